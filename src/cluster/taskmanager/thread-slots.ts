/**
 * Slots that are worker threads of this process, an adapter over Piscina: one long-running task of the pool a slot, begun as
 * soon as a job is expected (`warmUp`), ended by its AbortSignal, which stops even an endless loop and with it the thread.
 *
 * What always holds: a thread serves one lease and is then ended, so that each job starts in fresh isolates; between two slots that
 * share a channel there is one MessageChannel, for pings only.
 *
 * Piscina's atomics are off: with them an idle worker parks in Atomics.wait, where no message reaches it.
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import { Piscina } from 'piscina'
import { StreamError } from '../../base/core/stream-error.ts'
import type { RecordedExecution } from '../../program/api/executor.ts'
import type { SlotDeployment } from '../../runtime/task/deployment.ts'
import { carrierOf, wireSlots } from '../../runtime/task/wire-slots.ts'
import type { SlotEvents, SlotPool } from '../rpc/slot-pool.ts'
import type { FromThread, LeasePort, ProgramReference, SlotLease, ToThread } from './slot-lease.ts'
import type { ProgramSlots } from './slot-runner.ts'

export interface ThreadSlotsOptions {
  readonly program: ProgramReference
  /** The thread's entry, .ts or .js; it default-exports a function of a SlotLease. */
  readonly threadEntry: URL
  /** Heap of one slot; absent: V8's own limit. */
  readonly heapSizeBytes?: number
}

export interface ThreadSlots {
  /** Starts threads ahead of the program's first job: they load and plan the program while the caller does. */
  warmUp(slots: number): void
  /** The slots for the job that comes after these. */
  forJob(earlier: readonly RecordedExecution[]): SlotPool & ProgramSlots
  /** Ends every thread. */
  close(): Promise<void>
}

/** With much less V8 cannot even start an isolate, and then it aborts the process. */
const smallestHeapMb = 16

export function threadSlots(options: ThreadSlotsOptions): ThreadSlots {
  const { heapSizeBytes } = options
  const pool = new Piscina({
    minThreads: 0,
    maxThreads: 4096,
    concurrentTasksPerWorker: 1,
    idleTimeout: Number.POSITIVE_INFINITY,
    atomics: 'disabled',
    recordTiming: false,
    ...(heapSizeBytes !== undefined && {
      resourceLimits: { maxOldGenerationSizeMb: Math.max(smallestHeapMb, heapSizeBytes / 1024 / 1024) },
    }),
  })
  const leases = new Set<ThreadLease>()
  // A thread that dies before it was given its lease concerns them all: none would ever start.
  pool.on('error', (thrown) => {
    for (const each of leases) each.lost(thrown)
  })
  const spare: ThreadLease[] = []
  const lease = (earlier: readonly RecordedExecution[]): ThreadLease => {
    const begun = new ThreadLease(pool, options, earlier, () => leases.delete(begun))
    leases.add(begun)
    return begun
  }
  return {
    warmUp(slots) {
      while (spare.length < slots) spare.push(lease([]))
    },
    forJob: (earlier) => {
      const run: ProgramSlots['run'] = ({ deployments }, carrier, events) => {
        const ready = spare.splice(0)
        const slots = new Map(deployments.map(({ slot }) => [slot, (earlier.length === 0 ? ready.shift() : undefined) ?? lease(earlier)]))
        for (const unused of ready) unused.end()
        const ports = connect(deployments, slots, carrier, events)
        return { send: (slot, message) => slots.get(slot)?.send(message), kill: (slot) => slots.get(slot)?.kill(), ports }
      }
      return { run, deploy: (deployment, events) => run(wireSlots(deployment), carrierOf(deployment.plan.jobGraph), events) }
    },
    async close() {
      for (const unused of spare.splice(0)) unused.end()
      await pool.destroy()
    },
  }
}

/** Returns the ends of the carrier, one for each slot that has a channel to another machine. */
function connect(
  deployments: readonly SlotDeployment[],
  leases: ReadonlyMap<number, ThreadLease>,
  carrier: number,
  events: SlotEvents,
): ReadonlyMap<number, MessagePort> {
  const peers = new Map(deployments.map(({ slot }): [number, { slot: number; port: LeasePort }[]] => [slot, []]))
  const carriers = new Map<number, MessagePort>()
  // The carrier has the highest number of all.
  for (const [low, high] of peerPairs(deployments)) {
    const { port1, port2 } = new MessageChannel()
    peers.get(low)!.push({ slot: high, port: port1 })
    if (high === carrier) carriers.set(low, port2)
    else peers.get(high)!.push({ slot: low, port: port2 })
  }
  for (const deployment of deployments) leases.get(deployment.slot)!.deploy(deployment, peers.get(deployment.slot)!, events)
  return carriers
}

/** Every two slots that a channel connects, once. */
function peerPairs(deployments: readonly SlotDeployment[]): readonly (readonly [number, number])[] {
  const pairs = new Map<string, readonly [number, number]>()
  for (const { channels } of deployments) {
    for (const { fromSlot, toSlot } of channels) {
      if (fromSlot !== toSlot)
        pairs.set(`${Math.min(fromSlot, toSlot)}/${Math.max(fromSlot, toSlot)}`, [Math.min(fromSlot, toSlot), Math.max(fromSlot, toSlot)])
    }
  }
  return [...pairs.values()]
}

/** One slot lease: a task of the pool, its port, and how it ended. */
class ThreadLease {
  readonly #port: MessagePort
  readonly #abort = new AbortController()
  readonly #onEnd: () => void
  #slot = -1
  #events: SlotEvents | undefined
  /** What happened before the deployment, when nobody listened yet. */
  #early: (() => void)[] = []
  #ended = false

  constructor(pool: Piscina, { program, threadEntry }: ThreadSlotsOptions, earlier: readonly RecordedExecution[], onEnd: () => void) {
    const { port1, port2 } = new MessageChannel()
    this.#port = port1
    this.#onEnd = onEnd
    port1.on('message', (message: FromThread) => this.#when(() => this.#receive(message)))
    const lease: SlotLease = { port: port2, program, earlier }
    // The entry is named here, not in the pool's options, so that failing to load it fails this lease.
    pool.run(lease, { filename: threadEntry.href, transferList: [port2], signal: this.#abort.signal }).then(
      () => this.lost(new Error('its entry returned')),
      (thrown) => this.lost(thrown),
    )
  }

  deploy(deployment: SlotDeployment, peers: readonly { readonly slot: number; readonly port: LeasePort }[], events: SlotEvents): void {
    this.#slot = deployment.slot
    this.send(
      { lease: 'deploy', deployment, peers },
      peers.map(({ port }) => port),
    )
    // Not now: no event is raised before the coordinator holds what deploy() returns.
    queueMicrotask(() => {
      this.#events = events
      for (const call of this.#early.splice(0)) call()
    })
  }

  send(message: ToThread, transfer: readonly LeasePort[] = []): void {
    if (!this.#ended) this.#port.postMessage(message, transfer as MessagePort[])
  }

  kill(): void {
    if (this.#ended) return
    this.end()
    this.#events?.done(this.#slot)
  }

  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#port.close()
    this.#abort.abort()
    this.#onEnd()
  }

  lost(cause: unknown): void {
    this.#when(() => this.#lost(cause))
  }

  #when(call: () => void): void {
    if (this.#events === undefined) this.#early.push(call)
    else call()
  }

  #receive(message: FromThread): void {
    if (this.#ended) return
    if (!('lease' in message)) return this.#events!.message(this.#slot, message)
    if (message.lease === 'failed') return this.#events!.failed(this.#slot, StreamError.fromWire(message.error))
    this.end()
    this.#events!.done(this.#slot)
  }

  /** The thread's death overtakes what it said last, which may name the cause: that is heard first. */
  #lost(cause: unknown): void {
    for (let last = receiveMessageOnPort(this.#port); last !== undefined && !this.#ended; last = receiveMessageOnPort(this.#port)) {
      this.#receive(last.message)
    }
    if (this.#ended) return
    this.end()
    this.#events!.lost(this.#slot, cause)
  }
}
