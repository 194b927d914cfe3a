/**
 * A whole cluster in a simulated world: ResourceManager and JobMaster on one host, TaskManagers on others, each with its slots and its
 * network, all of them the real software; and one program of the torture's table that is run on it while its hosts and their network are
 * hurt. Each process plans the program for itself, as a real one does.
 */
import { ownVersion } from '../../src/base/bundle/own-module.ts'
import type { Config } from '../../src/base/core/config-options.ts'
import { StreamError } from '../../src/base/core/stream-error.ts'
import { MemoryFileSystem } from '../../src/base/filesystem/memory-file-system.ts'
import { checkpointPlaceOf } from '../../src/cluster/jobmanager/checkpoint-files.ts'
import { ClusterSlotPool, clusterSlotPoolSettingsOf } from '../../src/cluster/jobmanager/cluster-slot-pool.ts'
import { collectVertices } from '../../src/cluster/jobmanager/held-rows.ts'
import { JobMaster } from '../../src/cluster/jobmanager/job-master.ts'
import { localSources } from '../../src/cluster/jobmanager/local-sources.ts'
import { ResourceManager, resourceManagerSettingsOf } from '../../src/cluster/resourcemanager/resource-manager.ts'
import { standaloneProvider } from '../../src/cluster/resourcemanager/resource-provider.ts'
import type { NetworkService } from '../../src/cluster/rpc/network-service.ts'
import { inlineSlotRunner } from '../../src/cluster/taskmanager/inline-slot-runner.ts'
import { NetworkRelay } from '../../src/cluster/taskmanager/network-relay.ts'
import { TaskManager, taskManagerSettingsOf } from '../../src/cluster/taskmanager/task-manager.ts'
import { runSlot } from '../../src/runtime/task/run-slot.ts'
import type { RunSlot } from '../../src/runtime/task/slot.ts'
import { type Planned, planOf } from '../program/graph/plan-support.ts'
import { canonical } from '../support/reference/canonical.ts'
import { Ledger, ledgerSink } from '../torture/ledger.ts'
import { Stage, type TortureProgram } from '../torture/stage.ts'
import { SimulatedExchange } from './simulated-exchange.ts'
import type { SimulatedProcess, SimulatedWorld } from './simulated-world.ts'
import { type Tamper, tampered } from './tampered-transport.ts'

const jobManager = 'jm'
const address = `${jobManager}:6123`
const jobId = '1'.padStart(32, '0')
const folder = '/data'

/** As a person would set them, but that all that takes seconds takes parts of one: the rows do too. */
const clusterConfig: Config = {
  'heartbeat.interval': 50,
  'heartbeat.timeout': 250,
  'taskmanager.slot.timeout': 500,
  'slot.idle.timeout': 1_000,
  'resourcemanager.job.timeout': 5_000,
  'slot.request.timeout': 60_000,
}

export interface SimulatedClusterOptions {
  readonly world: SimulatedWorld
  readonly program: TortureProgram
  readonly config: Config
  readonly slotsPerTaskManager: number
  readonly bug?: PlantedBug
}

/** Something that is wrong on purpose, and must be found. */
export interface PlantedBug {
  readonly tamper?: Tamper
  readonly runSlot?: RunSlot
  /** What a stream between TaskManagers carries in place of a message. */
  readonly stream?: (message: any) => readonly any[]
}

export class SimulatedCluster {
  readonly #options: SimulatedClusterOptions
  readonly #disk = new MemoryFileSystem()
  readonly #ledger = new Ledger()
  readonly #exchange: SimulatedExchange
  readonly #resourceManager: ResourceManager
  readonly #jobManager: SimulatedProcess
  #pool: ClusterSlotPool | undefined
  #starts = 0

  constructor(options: SimulatedClusterOptions) {
    const { world } = options
    this.#options = options
    this.#exchange = new SimulatedExchange(world, options.bug?.stream)
    this.#jobManager = this.#started(jobManager)
    let ids = 0
    this.#resourceManager = new ResourceManager({
      ...resourceManagerSettingsOf(clusterConfig),
      ...{ clock: this.#jobManager.clock, sessionId: 'rm', provider: standaloneProvider },
      newAllocationId: () => `allocation-${ids++}`,
      newWorkerId: () => `worker-${ids++}`,
    })
  }

  async start(): Promise<void> {
    const { taskManager, requirements } = this.#resourceManager.acceptors
    await this.#jobManager.transport.listen(address, {
      ...{ taskManager, requirements },
      slots: (link, hello) => this.#pool!.accept(link, hello),
    })
    await this.#options.program.inputs?.(this.#disk, `${folder}/in`, 60)
  }

  #started(host: string): SimulatedProcess {
    const { world, bug } = this.#options
    const process = world.start(host)
    if (bug?.tamper === undefined) return process
    const { clock, random, yieldTo } = process
    return { host, clock, random, yieldTo, transport: tampered(process.transport, bug.tamper) }
  }

  /** A new TaskManager process; an older one on that host is dead. */
  startTaskManager(host: string): void {
    const { world, slotsPerTaskManager, bug } = this.#options
    const process = this.#started(host)
    const taskManagerId = `${host}:1-${this.#starts++}`
    const dataAddress = `${host}:2`
    let manager: TaskManager | undefined
    const relay = new NetworkRelay({
      ...{ taskManagerId, version: ownVersion(), token: '', clock: process.clock, yieldTo: process.yieldTo },
      connect: this.#exchange.connectFrom(host),
      onBroken: (job, attempt, slots, error) => manager?.networkBroken(job, attempt, slots, error),
    })
    this.#exchange.listen(dataAddress, relay.accept)
    const network: NetworkService = {
      dataAddress,
      add: (attempt) => relay.add(attempt),
      remove: (job, attempt) => relay.remove(job, attempt),
      close: async () => undefined,
    }
    manager = new TaskManager({
      ...{ ...taskManagerSettingsOf(clusterConfig), slots: slotsPerTaskManager, taskManagerId, host, dataAddress, network },
      ...{ pid: 1, version: ownVersion(), resourceManager: () => address },
      ...{ transport: process.transport, clock: process.clock, random: process.random },
      runner: inlineSlotRunner({
        ...{ runSlot: bug?.runSlot ?? runSlot, clock: process.clock, fileSystem: slowed(this.#disk, process), yieldTo: process.yieldTo },
        planOf: async () => (await this.#plan()).streamGraph,
      }),
      hardware: () => ({ cpuCores: 1, memoryBytes: 2, freeMemoryBytes: 1 }),
      metrics: () => ({}),
      onShutDown: (reason) => world.log(`${host} is told to end: ${reason}`),
      onRefused: (error) => world.log(`${host} is refused: ${error.message}`),
    })
    manager.start()
  }

  /** Starts the job. */
  async submit(): Promise<JobMaster> {
    const { world } = this.#options
    const { clock, transport, random, yieldTo } = this.#jobManager
    const { streamGraph, jobGraph } = await this.#plan()
    const fileSystem = slowed(this.#disk, this.#jobManager)
    this.#pool = new ClusterSlotPool({
      ...clusterSlotPoolSettingsOf(clusterConfig),
      ...{ jobId, jobName: jobGraph.jobName, version: ownVersion(), clock, random, transport },
      program: { id: 'package', sizeBytes: 1, file: 'simulated.ts', args: {}, seed: { timeMs: 0, random: 0 }, earlier: [] },
      ...{ jobMaster: { address, sessionId: 'job-session' }, resourceManager: () => address },
    })
    const master = new JobMaster({
      ...{ jobId, jobGraph, clock, fileSystem, random, yieldTo, slotPool: this.#pool, cancelTimeoutMs: 1_000 },
      collects: collectVertices(streamGraph, jobGraph),
      hostSources: localSources({ jobGraph, streamGraph, clock, fileSystem }),
      headrace: ownVersion(),
      place: checkpointPlaceOf(jobGraph.config, jobId, '/tmp'),
      print: (_stream, line) => world.log(`prints ${line}`),
    })
    master.onEvent((event) => world.log(`job: ${JSON.stringify(event, shown)}`))
    const pool = this.#pool
    void master.result.catch(() => undefined).then(() => pool.close())
    await master.start()
    return master
  }

  /** What is published, as a multiset. */
  async output(): Promise<string[]> {
    const own = (await this.#options.program.outputs?.(this.#disk, `${folder}/out`)) ?? []
    return [...this.#ledger.rows, ...own].sort()
  }

  /** Slots that somebody holds, as the ResourceManager sees it: TaskManager and job. */
  heldSlots(): readonly string[] {
    return this.#resourceManager
      .taskManagers()
      .flatMap(({ taskManagerId, slots }) =>
        slots.flatMap(({ allocation }) => (allocation ? [`${taskManagerId} ${allocation.jobId}`] : [])),
      )
  }

  get numTaskManagers(): number {
    return this.#resourceManager.taskManagers().length
  }

  #plan(): Promise<Planned> {
    const { program, config } = this.#options
    const access = { ledger: this.#ledger, at: () => undefined, outside: async <R>(effect: () => R): Promise<R> => effect() }
    return planOf(
      (env) => {
        const stage = new Stage(env, { rows: program.rows ?? 60, pauseMs: 12, folder, at: () => undefined })
        const built = program.build(stage)
        const streams = built === undefined ? [] : Array.isArray(built) ? built : [built]
        streams.forEach((stream, index) =>
          stream.sinkTo(
            ledgerSink(access, (row) => `${index} ${canonical(row)}`),
            { name: `ledger ${index}` },
          ),
        )
      },
      { ...config, 'execution.checkpointing.dir': '/checkpoints' },
    )
  }
}

/** What a process does on the disk that all share takes its time, and a dead one does nothing any more. */
function slowed<T extends object>(target: T, process: SimulatedProcess): T {
  return new Proxy(target, {
    get: (object, name) => {
      const member = Reflect.get(object, name, object)
      if (typeof member !== 'function') return member
      return async (...args: unknown[]) => {
        await new Promise<void>((resolve) => void process.clock.setTimer(process.random(), resolve))
        const result = await member.apply(object, args)
        return typeof result === 'object' && result !== null && 'close' in result ? slowed(result, process) : result
      }
    },
  })
}

const shown = (key: string, value: unknown): unknown => (key === 'cause' || key === 'error' ? StreamError.from(value).message : value)
