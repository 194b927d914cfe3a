/**
 * A local executor whose job runs on two "TaskManagers" in this process: even slots on one, odd slots on the other, and what they say to
 * each other goes over the network threads' gRPC. JobMaster, slots and tasks are the real ones.
 */
import { ownModule, ownVersion } from '../../src/base/bundle/own-module.ts'
import { StreamError } from '../../src/base/core/stream-error.ts'
import { LocalFileSystem } from '../../src/base/filesystem/local-file-system.ts'
import { checkpointPlaceOf } from '../../src/cluster/jobmanager/checkpoint-files.ts'
import { collectVertices } from '../../src/cluster/jobmanager/held-rows.ts'
import { JobMaster } from '../../src/cluster/jobmanager/job-master.ts'
import { localSources } from '../../src/cluster/jobmanager/local-sources.ts'
import type { NetworkService, StartNetwork } from '../../src/cluster/rpc/network-service.ts'
import type { SlotEvents, SlotPool } from '../../src/cluster/rpc/slot-pool.ts'
import { inlineSlots } from '../../src/cluster/taskmanager/inline-slots.ts'
import { nodeHost, raiseInliningBudget, temporaryFolder } from '../../src/cluster/taskmanager/node-host.ts'
import { serveNetwork } from '../../src/cluster/taskmanager/serve-network.ts'
import type { ProgramReference } from '../../src/cluster/taskmanager/slot-lease.ts'
import type { ProgramSlots, RunningSlots } from '../../src/cluster/taskmanager/slot-runner.ts'
import { startNetworkThread } from '../../src/cluster/taskmanager/start-network-thread.ts'
import { threadSlots } from '../../src/cluster/taskmanager/thread-slots.ts'
import type { Executor } from '../../src/program/api/executor.ts'
import type { StreamGraph } from '../../src/program/graph/stream-graph.ts'
import { runSlot } from '../../src/runtime/task/run-slot.ts'
import { carrierOf, wireSlots } from '../../src/runtime/task/wire-slots.ts'

export interface SplitExecutor extends Executor {
  /** The second TaskManager's network dies, and is there again for the next attempt. */
  breakNetwork(): Promise<void>
  close(): Promise<void>
  /** Messages of channels that broke. */
  readonly broken: readonly string[]
  /** Channels that went over the network. */
  readonly remoteChannels: number
}

/** With a program in threads, without one inline. */
export function splitExecutor(program?: ProgramReference): SplitExecutor {
  raiseInliningBudget()
  const threads = program && threadSlots({ program, threadEntry: ownModule('task-thread') })
  const start: StartNetwork = program ? startNetworkThread : (options, events) => serveNetwork(options, events, nodeHost)
  const halves = [new Half('tm-0', start), new Half('tm-1', start)]
  let jobs = 0
  return {
    breakNetwork: () => halves[1]!.replace(),
    get broken() {
      return halves.flatMap(({ broken }) => broken)
    },
    get remoteChannels() {
      return halves.reduce((sum, half) => sum + half.remoteChannels, 0)
    },
    async submit({ streamGraph, jobGraph, onCollect, earlier = [] }) {
      await Promise.all(halves.map((half) => half.start()))
      const jobId = `split-${jobs++}`
      const { clock, yieldTo } = nodeHost
      const fileSystem = new LocalFileSystem()
      const runner = (): ProgramSlots =>
        threads?.forJob(earlier) ?? inlineSlots({ runSlot, clock, fileSystem, yieldTo }, streamGraph as StreamGraph)
      const coordinator = new JobMaster({
        ...{ jobId, jobGraph, clock, fileSystem, onCollect, yieldTo },
        collects: collectVertices(streamGraph, jobGraph),
        hostSources: localSources({ jobGraph, streamGraph, clock, fileSystem }),
        slotPool: splitPool(halves, runner),
        random: Math.random,
        headrace: ownVersion(),
        place: checkpointPlaceOf(jobGraph.config, jobId, temporaryFolder()),
        deploy: {},
        print: () => undefined,
        cancelTimeoutMs: 1000,
      })
      await coordinator.start()
      return coordinator
    },
    async close() {
      await threads?.close()
      for (const half of halves) await half.network.close()
    },
  }
}

/** What is on one TaskManager. */
class Half {
  readonly #id: string
  readonly #start: StartNetwork
  readonly #onBroken = new Map<string, (slots: readonly number[], message: string) => void>()
  readonly broken: string[] = []
  remoteChannels = 0
  network!: NetworkService

  constructor(id: string, start: StartNetwork) {
    this.#id = id
    this.#start = start
  }

  async start(): Promise<void> {
    this.network ??= await this.#begin()
  }

  async replace(): Promise<void> {
    const old = this.network
    this.network = await this.#begin()
    await old.close()
  }

  #begin(): Promise<NetworkService> {
    return this.#start(
      { listen: '127.0.0.1:0', taskManagerId: this.#id },
      {
        onBroken: (jobId, attempt, slots, error) => {
          this.broken.push(error.message)
          this.#onBroken.get(`${jobId}/${attempt}`)?.(slots, error.message)
        },
        onLost: (error) => void this.broken.push(error.message),
      },
    )
  }

  deploy(
    deployment: Parameters<SlotPool['deploy']>[0],
    runner: ProgramSlots,
    locations: Record<number, string>,
    events: SlotEvents,
    fail: (slots: readonly number[], message: string) => void,
  ): RunningSlots {
    const { plan, slots } = deployment
    const { jobId, attempt } = plan
    const wired = wireSlots(deployment)
    const carrier = carrierOf(plan.jobGraph)
    const over = new Set<number>()
    const ended = (slot: number): void => {
      over.add(slot)
      if (over.size === slots.length) this.network.remove(jobId, attempt)
    }
    const running = runner.run(wired, carrier, {
      deployed: (slot, location) => events.deployed(slot, location),
      message: (slot, message) => events.message(slot, message),
      failed: (slot, error) => events.failed(slot, error),
      done: (slot) => {
        ended(slot)
        events.done(slot)
      },
      lost: (slot, cause) => {
        ended(slot)
        events.lost(slot, cause)
      },
    })
    this.#onBroken.set(`${jobId}/${attempt}`, fail)
    this.remoteChannels += wired.remote.length
    this.network.add({ jobId, attempt, carrier, locations, sleepers: wired.sleepers, remote: wired.remote, ports: running.ports })
    return running
  }
}

function splitPool(halves: readonly Half[], runner: () => ProgramSlots): SlotPool {
  return {
    deploy({ plan, slots }, events) {
      const locations = Object.fromEntries(slots.map(({ slot }) => [slot, halves[slot % 2]!.network.dataAddress]))
      const running = halves.map((half, index): RunningSlots => {
        const own = slots.filter(({ slot }) => slot % 2 === index)
        return half.deploy({ plan, slots: own }, runner(), locations, events, (broken, message) => {
          for (const slot of broken) events.failed(slot, new StreamError('TASK_LOST', message))
        })
      })
      return {
        send: (slot, message) => running[slot % 2]!.send(slot, message),
        kill: (slot) => running[slot % 2]!.kill(slot),
      }
    },
  }
}
