/**
 * A cluster behind the Dispatcher's gateway, in the test's own thread: real JobMasters with inline slots, over a file system in memory. Its one
 * TaskManager is what it says of itself. Programs are modules that import nothing.
 */
import { checkConfig } from '../../../src/base/core/config-options.ts'
import { StreamError } from '../../../src/base/core/stream-error.ts'
import { systemClock } from '../../../src/base/core/system-clock.ts'
import { MemoryFileSystem } from '../../../src/base/filesystem/memory-file-system.ts'
import { checkpointPlaceOf } from '../../../src/cluster/jobmanager/checkpoint-files.ts'
import { collectVertices } from '../../../src/cluster/jobmanager/held-rows.ts'
import { JobMaster } from '../../../src/cluster/jobmanager/job-master.ts'
import { overviewOf } from '../../../src/cluster/jobmanager/job-overview.ts'
import { localSources } from '../../../src/cluster/jobmanager/local-sources.ts'
import { loadRestore } from '../../../src/cluster/jobmanager/restore-job.ts'
import type {
  ClusterConfig,
  DispatcherGateway,
  LogFile,
  ProcessFacts,
  ProcessName,
  SubmittedProgram,
  TaskManagerOverview,
} from '../../../src/cluster/rpc/dispatcher-gateway.ts'
import type { ArchivedJob } from '../../../src/cluster/rpc/job-archive.ts'
import type { SlotPool } from '../../../src/cluster/rpc/slot-pool.ts'
import { inlineSlots } from '../../../src/cluster/taskmanager/inline-slots.ts'
import type { Environment } from '../../../src/program/api/environment.ts'
import { type Plan, plan } from '../../../src/program/api/plan.ts'
import { programArguments } from '../../../src/program/api/program-arguments.ts'
import { runSlot } from '../../../src/runtime/task/run-slot.ts'

export const location = { taskManagerId: 'worker-1:40123-ab12cd', host: 'worker-1' }
const clock = systemClock
const yieldTo = (callback: () => void): void => void setImmediate(callback)

const jobDefaults = {
  'execution.checkpointing.dir': '/checkpoints',
  'execution.checkpointing.savepoint-dir': '/savepoints',
  'execution.checkpointing.interval': 3_600_000,
  'restart-strategy.type': 'none',
}

export class JobCluster implements DispatcherGateway {
  readonly fileSystem = new MemoryFileSystem()
  readonly jobMasters = new Map<string, JobMaster>()
  readonly submitted: SubmittedProgram[] = []
  readonly logs = new Map<string, string>([
    ['headrace.log', 'one line\n'],
    ['headrace.out', '<script>alert(1)</script>'],
  ])
  isShutDown = false
  #ids = 0

  /** A job as REST would submit it; resolves when the JobMaster has it. */
  async run(
    main: (env: Environment, args: unknown) => unknown,
    config: Record<string, unknown> = {},
    args: unknown = {},
  ): Promise<JobMaster> {
    const checked = checkConfig({ ...jobDefaults, ...config }).config
    return this.#start(await plan(main as never, args, { seed: { timeMs: 0, random: 1 }, config: checked }))
  }

  async #start({ streamGraph, jobGraph }: Plan, jobId = this.#newId()): Promise<JobMaster> {
    const { fileSystem } = this
    const restored = await loadRestore({ jobGraph, streamGraph }, fileSystem)
    const jobMaster = new JobMaster({
      ...{ jobId, jobGraph, clock, fileSystem, yieldTo, random: () => 0.5, headrace: 'test', cancelTimeoutMs: 1000, print: () => {} },
      ...{ collects: collectVertices(streamGraph, jobGraph), place: checkpointPlaceOf(jobGraph.config, jobId, '/tmp') },
      hostSources: localSources({ jobGraph, streamGraph, clock, fileSystem }),
      slotPool: placed(inlineSlots({ runSlot, clock, fileSystem, yieldTo }, streamGraph)),
      ...(restored && { restored }),
    })
    this.jobMasters.set(jobId, jobMaster)
    await jobMaster.start()
    return jobMaster
  }

  async end(): Promise<void> {
    await Promise.all([...this.jobMasters.values()].map((jobMaster) => jobMaster.cancel()))
  }

  async jobs() {
    return [...this.jobMasters.values()].map((jobMaster) => overviewOf(jobMaster.archive()))
  }

  async job(jobId: string): Promise<ArchivedJob> {
    // As it would come from another process.
    return structuredClone(this.#jobMaster(jobId).archive())
  }

  async taskManagers(): Promise<readonly TaskManagerOverview[]> {
    const allocation = { allocationId: 'a1', jobId: [...this.jobMasters.keys()][0] ?? '0'.repeat(32) }
    const slots = [{ index: 0, allocation }, { index: 1, allocation }, { index: 2 }, { index: 3 }]
    return [
      {
        ...{ ...location, dataAddress: 'worker-1:40124', pid: 4711, suspected: false, lastHeartbeatMs: clock.now(), slots },
        hardware: { cpuCores: 4, memoryBytes: 8e9, freeMemoryBytes: 3e9 },
        metrics: { 'Status.JVM.Memory.Heap.Used': 12_345_678, 'Status.JVM.GarbageCollector.Scavenge.Count': 7 },
      },
    ]
  }

  async config(): Promise<ClusterConfig> {
    return { options: { 'rest.port': 0, 's3.secret-key': 'do not tell', 's3.access-key': 'nor this' }, version: '0.1.0', commit: 'abc1234' }
  }

  async jobManager(): Promise<ProcessFacts> {
    const { pid, version: nodeVersion } = process
    return {
      pid,
      nodeVersion,
      platform: `${process.platform} ${process.arch}`,
      options: process.execArgv,
      metrics: { 'Status.JVM.CPU.Load': 0.25 },
    }
  }

  async submit(program: SubmittedProgram) {
    this.submitted.push(program)
    const { jobId } = await this.#start(await this.#planned(program), program.jobId)
    return { jobId }
  }

  async plan(program: SubmittedProgram) {
    return (await this.#planned(program)).jobGraph
  }

  async #planned({ bytes, entry = 'default', args, config, file }: SubmittedProgram): Promise<Plan> {
    const module = await import(/* @vite-ignore */ `data:text/javascript;base64,${Buffer.from(bytes).toString('base64')}`)
    if (typeof module[entry] !== 'function') throw new StreamError('INVALID_PROGRAM', `${file} exports no function '${entry}'`)
    return plan(module[entry], programArguments(args), { seed: { timeMs: 0, random: 1 }, config: { ...jobDefaults, ...config } })
  }

  async cancel(jobId: string) {
    void this.#jobMaster(jobId).cancel()
  }

  async triggerCheckpoint(jobId: string) {
    const jobMaster = this.#jobMaster(jobId)
    const path = await jobMaster.triggerCheckpoint()
    return { checkpointId: jobMaster.checkpoints.find((each) => each.path === path)!.checkpointId, path }
  }

  async triggerSavepoint(jobId: string, { directory, cancel = false }: { directory?: string; cancel?: boolean }) {
    const path = await this.#jobMaster(jobId).triggerSavepoint(directory)
    if (cancel) await this.#jobMaster(jobId).cancel()
    return path
  }

  async stopWithSavepoint(jobId: string, options: { directory?: string; drain?: boolean }) {
    return this.#jobMaster(jobId).stopWithSavepoint(options)
  }

  async disposeSavepoint(path: string) {
    if ((await this.fileSystem.status(path)) === undefined) throw new StreamError('FILE_NOT_FOUND', `There is no savepoint at ${path}`)
    await this.fileSystem.remove(path, { recursive: true })
  }

  async logFiles(_of: ProcessName): Promise<readonly LogFile[]> {
    return [...this.logs].map(([name, text]) => ({
      ...{
        name,
        sizeBytes: Buffer.byteLength(text),
        modifiedMs: 1000.5,
        purpose: name.endsWith('.log') ? ('log' as const) : ('stdout' as const),
      },
    }))
  }

  async readLogFile(_of: ProcessName, name: string) {
    const bytes = Buffer.from(this.logs.get(name)!)
    return (async function* () {
      for (let at = 0; at < bytes.length; at += 7) yield bytes.subarray(at, at + 7)
      // It has grown meanwhile.
      yield Buffer.from('more')
    })()
  }

  async threadDump() {
    return [{ name: 'main', text: '"main" Id=1 RUNNABLE' }]
  }

  async shutDown() {
    this.isShutDown = true
  }

  #jobMaster(jobId: string): JobMaster {
    const jobMaster = this.jobMasters.get(jobId)
    if (jobMaster === undefined) throw new StreamError('JOB_NOT_FOUND', `There is no job ${jobId}`)
    return jobMaster
  }

  #newId(): string {
    return (++this.#ids).toString(16).padStart(32, 'a')
  }
}

/** Slots that say where they are. */
function placed(inner: SlotPool): SlotPool {
  return {
    deploy(deployment, events) {
      yieldTo(() => {
        for (const { slot } of deployment.slots) events.deployed(slot, location)
      })
      return inner.deploy(deployment, events)
    },
  }
}
