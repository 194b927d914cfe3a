/**
 * A cluster in the test's own thread: ResourceManager, TaskManagers with inline slots and a JobMaster a job, each on a host of its own in a
 * loopback network, under one ManualClock that `until` moves. All of it is the real software; only what carries messages is not.
 */
import { ownVersion } from '../../src/base/bundle/own-module.ts'
import { ManualClock } from '../../src/base/core/clock.ts'
import type { Config } from '../../src/base/core/config-options.ts'
import { MemoryFileSystem } from '../../src/base/filesystem/memory-file-system.ts'
import { checkpointPlaceOf } from '../../src/cluster/jobmanager/checkpoint-files.ts'
import { ClusterSlotPool, clusterSlotPoolSettingsOf } from '../../src/cluster/jobmanager/cluster-slot-pool.ts'
import { collectVertices } from '../../src/cluster/jobmanager/held-rows.ts'
import { JobMaster } from '../../src/cluster/jobmanager/job-master.ts'
import { localSources } from '../../src/cluster/jobmanager/local-sources.ts'
import { ResourceManager, resourceManagerSettingsOf } from '../../src/cluster/resourcemanager/resource-manager.ts'
import { type ResourceProvider, standaloneProvider } from '../../src/cluster/resourcemanager/resource-provider.ts'
import { LoopbackNetwork } from '../../src/cluster/rpc/loopback-network.ts'
import type { NetworkService } from '../../src/cluster/rpc/network-service.ts'
import { inlineSlotRunner } from '../../src/cluster/taskmanager/inline-slot-runner.ts'
import { serveNetwork } from '../../src/cluster/taskmanager/serve-network.ts'
import { TaskManager, taskManagerSettingsOf } from '../../src/cluster/taskmanager/task-manager.ts'
import { Environment } from '../../src/program/api/environment.ts'
import type { Executor, JobClient } from '../../src/program/api/executor.ts'
import type { StreamGraph } from '../../src/program/graph/stream-graph.ts'
import { runSlot } from '../../src/runtime/task/run-slot.ts'

const yieldTo = (callback: () => void): void => void setImmediate(callback)
const jobManager = 'jm:6123'

type ExecutorJob = Parameters<Executor['submit']>[0]

export interface TestTaskManager {
  readonly id: string
  readonly manager: TaskManager
  /** Its process ends without a word. */
  kill(): void
}

export class ClusterInProcess {
  readonly clock = new ManualClock(1_000_000)
  readonly fileSystem = new MemoryFileSystem()
  /** Hosts that hear nothing and of which nothing is heard, and what would have arrived. */
  readonly cutOff = new Map<string, (() => void)[]>()
  readonly network = new LoopbackNetwork((from, to, arrive) => {
    const held = this.cutOff.get(from) ?? this.cutOff.get(to)
    if (held === undefined) yieldTo(arrive)
    else held.push(arrive)
  })
  readonly resourceManager: ResourceManager
  readonly pools = new Map<string, ClusterSlotPool>()
  readonly #config: Config
  readonly #plans = new Map<string, StreamGraph>()
  #ids = 0
  /** Real connections need turns, not time. */
  #stepMs = 5

  constructor(config: Config = {}, provider: ResourceProvider = standaloneProvider) {
    this.#config = config
    const nextId = (prefix: string): string => `${prefix}${this.#ids++}`
    this.resourceManager = new ResourceManager({
      ...resourceManagerSettingsOf(config),
      ...{ clock: this.clock, sessionId: 'rm-session', provider },
      newAllocationId: () => nextId('allocation-'),
      newWorkerId: () => nextId('worker-'),
    })
  }

  async start(): Promise<this> {
    const { taskManager, requirements } = this.resourceManager.acceptors
    const slots: ClusterSlotPool['accept'] = (link, hello) => this.pools.get(hello.jobId!)!.accept(link, hello)
    await this.network.transportOf('jm').listen(jobManager, { taskManager, requirements, slots })
    return this
  }

  /** With a network of its own; what it carries goes over real connections. */
  async startNetworked(host: string, slots: number): Promise<TestTaskManager> {
    this.#stepMs = 0.5
    let manager: TaskManager | undefined
    const network = await serveNetwork(
      { listen: '127.0.0.1:0', taskManagerId: host },
      { onBroken: (...broken) => manager?.networkBroken(...broken) },
      { clock: this.clock, yieldTo },
    )
    const started = this.startTaskManager(host, slots, network)
    manager = started.manager
    const kill = (): void => {
      started.kill()
      void network.close()
    }
    return { ...started, kill }
  }

  startTaskManager(host: string, slots: number, service?: NetworkService): TestTaskManager {
    const id = `${host}:1-${this.#ids++}`
    const manager: TaskManager = new TaskManager({
      ...taskManagerSettingsOf(this.#config),
      ...{ slots, taskManagerId: id, host, dataAddress: service?.dataAddress ?? `${host}:2`, pid: 1, version: ownVersion() },
      ...{ resourceManager: () => jobManager, transport: this.network.transportOf(host), clock: this.clock, random: () => 0.5 },
      ...(service && { network: service }),
      runner: inlineSlotRunner({
        ...{ runSlot, clock: this.clock, fileSystem: this.fileSystem, yieldTo },
        planOf: async (program) => this.#plans.get(program.id)!,
      }),
      hardware: () => ({ cpuCores: 1, memoryBytes: 2, freeMemoryBytes: 1 }),
      metrics: () => ({}),
      onShutDown: () => manager.close(),
      onRefused: (error) => {
        throw error
      },
    })
    manager.start()
    const kill = (): void => {
      this.network.kill(host)
      manager.close()
    }
    return { id, manager, kill }
  }

  /** Runs a program of one job; `value` is what it makes of it, and comes while time passes. */
  async submit<R>(
    main: (env: Environment) => Promise<R>,
    config: Config = {},
  ): Promise<{ readonly client: JobClient; readonly value: Promise<R> }> {
    let started: ((client: JobClient) => void) | undefined
    const client = new Promise<JobClient>((resolve) => void (started = resolve))
    const submit = async (job: ExecutorJob): Promise<JobClient> => {
      const master = await this.#start(job)
      started!(master)
      return master
    }
    const value = main(new Environment({ executor: async () => ({ submit }) }).configure(config))
    value.catch(() => undefined)
    return { client: await Promise.race([client, value.then(() => client)]), value }
  }

  async #start({ streamGraph, jobGraph, onCollect }: ExecutorJob): Promise<JobClient> {
    const { clock, fileSystem } = this
    // Temporary folders are named after the first digits.
    const jobId = String(this.#ids++)
      .padStart(4, '0')
      .padEnd(32, '0')
    this.#plans.set(jobId, streamGraph)
    const slotPool = new ClusterSlotPool({
      ...clusterSlotPoolSettingsOf(this.#config),
      ...{ jobId, jobName: jobGraph.jobName, version: ownVersion(), clock, random: () => 0.5 },
      program: { id: jobId, sizeBytes: 1, file: 'test.ts', args: {}, seed: { timeMs: 0, random: 0 }, earlier: [] },
      ...{ jobMaster: { address: jobManager, sessionId: `session-of-${jobId}` }, resourceManager: () => jobManager },
      transport: this.network.transportOf('jm'),
    })
    this.pools.set(jobId, slotPool)
    const master = new JobMaster({
      ...{ jobId, jobGraph, slotPool, clock, fileSystem, onCollect, yieldTo, random: () => 0.5, cancelTimeoutMs: 1000 },
      collects: collectVertices(streamGraph, jobGraph),
      hostSources: localSources({ jobGraph, streamGraph, clock, fileSystem }),
      headrace: ownVersion(),
      place: checkpointPlaceOf(jobGraph.config, jobId, '/tmp'),
      print: () => undefined,
    })
    void master.result.catch(() => undefined).then(() => slotPool.close())
    await master.start()
    return master
  }

  /** Lets time pass, `stepMs` a turn, until it is so. */
  async until(what: string, isSo: () => boolean, stepMs = this.#stepMs): Promise<void> {
    for (let turn = 0; !isSo(); turn++) {
      if (turn === 500_000) throw new Error(`Nothing came of: ${what}`)
      await new Promise<void>((resolve) => setImmediate(resolve))
      this.clock.advance(stepMs)
    }
  }

  /** Lets so much time pass. */
  async pass(ms: number, stepMs = 50): Promise<void> {
    const endMs = this.clock.elapsed() + ms
    await this.until('time', () => this.clock.elapsed() >= endMs, stepMs)
  }

  /** What it resolves with, or rejects with, when so much time has passed as that takes. */
  async outcome<R>(promise: Promise<R>): Promise<R> {
    let isOver = false
    void promise.catch(() => undefined).then(() => void (isOver = true))
    await this.until('what was waited for', () => isOver)
    return promise
  }

  /** Everything that was held up arrives now. */
  heal(host: string): void {
    const held = this.cutOff.get(host) ?? []
    this.cutOff.delete(host)
    for (const arrive of held) yieldTo(arrive)
  }

  /** How many slots jobs hold, by TaskManager. */
  held(): Readonly<Record<string, number>> {
    return Object.fromEntries(
      this.resourceManager
        .taskManagers()
        .map(({ taskManagerId, slots }) => [taskManagerId, slots.filter((each) => each.allocation).length]),
    )
  }
}
