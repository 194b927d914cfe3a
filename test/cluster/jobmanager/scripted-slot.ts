/**
 * A small engine behind the RunSlot interface, for tests of what hosts it. A split is an array of steps for its reader; the
 * rows go straight to the client under the collect id 'out'. Sources only; one ring counter shows that pings arrive.
 */
import { StreamError } from '../../../src/base/core/stream-error.ts'
import type { SlotDeployment, TaskMetrics, ToSlot } from '../../../src/runtime/task/deployment.ts'
import type { RunningSlot, RunSlot, SlotHost } from '../../../src/runtime/task/slot.ts'

export type Step =
  | { readonly row: unknown }
  | { readonly uncloneable: true }
  | { readonly throws: string }
  | { readonly print: string }
  /** Tells the enumerator something. */
  | { readonly event: unknown }
  /** Sets the flag of the first channel that leaves the slot and wakes its consumer. */
  | { readonly ping: true }
  /** Goes on when a producer has set the flag of the first channel that comes from another slot. */
  | { readonly awaitPing: true }
  /** Waits for a cancel. */
  | { readonly park: true }
  /** Never returns. */
  | { readonly spin: true }
  /** Never says anything again, not even to a cancel. */
  | { readonly hang: true }
  | { readonly exit: number }
  | { readonly fillHeap: true }
  | { readonly throwLater: string }
  /** In the first attempt of the job only. */
  | { readonly throwsOnce: string }
  /** Goes on when a checkpoint is complete. */
  | { readonly awaitCheckpoint: true }
  /** Declines checkpoints from now on. */
  | { readonly decline: string }

export const scriptedSlot: RunSlot = (deployment, _graph, host) => new ScriptedSlot(deployment, host)

class ScriptedSlot implements RunningSlot {
  readonly done: Promise<void>
  readonly #deployment: SlotDeployment
  readonly #host: SlotHost
  readonly #unfinished = new Map<string, { vertex: number; subtask: number; rows: number }>()
  readonly #metrics: TaskMetrics[] = []
  #finish!: () => void
  #wake: (() => void) | undefined
  #hung = false
  #decline: string | undefined
  #completed: (() => void)[] = []

  constructor(deployment: SlotDeployment, host: SlotHost) {
    this.#deployment = deployment
    this.#host = host
    this.done = new Promise((resolve) => void (this.#finish = resolve))
    host.control.onMessage((message) => void this.#receive(message))
    for (const { vertex, subtask } of deployment.tasks) {
      this.#unfinished.set(`${vertex}/${subtask}`, { vertex, subtask, rows: 0 })
      host.control.send({ say: 'taskState', vertex, subtask, state: 'running' })
      host.control.send({ say: 'registerReader', vertex, subtask })
      host.control.send({ say: 'requestSplit', vertex, subtask })
    }
  }

  describe(): [] {
    return []
  }

  wake(): void {
    this.#wake?.()
  }

  async #receive(message: ToSlot): Promise<void> {
    if (this.#hung) return
    if (message.do === 'cancel') return this.#endAll('canceled')
    if (message.do === 'startCheckpoint') return this.#checkpoint(message.checkpoint.checkpointId)
    if (message.do === 'checkpointComplete') for (const goOn of this.#completed.splice(0)) goOn()
    if (!('vertex' in message)) return
    const task = this.#unfinished.get(`${message.vertex}/${message.subtask}`)
    if (task === undefined) return
    try {
      if (message.do === 'noMoreSplits') return this.#end(task, 'finished')
      if (message.do === 'readerEvent') this.#host.control.send({ say: 'collect', channel: 'out', rows: [message.event] })
      if (message.do === 'assignSplits') {
        for (const split of message.splits as readonly (readonly Step[])[]) for (const step of split) await this.#perform(step, task)
        if (!this.#hung) this.#host.control.send({ say: 'requestSplit', vertex: task.vertex, subtask: task.subtask })
      }
    } catch (thrown) {
      this.#host.control.send({
        say: 'failed',
        vertex: task.vertex,
        subtask: task.subtask,
        error: StreamError.from(thrown, 'USER_FUNCTION_FAILED').toWire(),
      })
      this.#endAll('canceled')
    }
  }

  async #perform(step: Step, task: { readonly vertex: number; readonly subtask: number; rows: number }): Promise<void> {
    const { control } = this.#host
    if ('row' in step) {
      task.rows++
      control.send({ say: 'collect', channel: 'out', rows: [step.row] })
    }
    if ('uncloneable' in step) control.send({ say: 'collect', channel: 'out', rows: [() => 1] })
    if ('throwsOnce' in step && this.#deployment.attempt === 0) throw new Error(step.throwsOnce)
    if ('awaitCheckpoint' in step) await new Promise<void>((resolve) => void this.#completed.push(resolve))
    if ('decline' in step) this.#decline = step.decline
    if ('throws' in step) throw new Error(step.throws)
    if ('print' in step) control.send({ say: 'print', stream: 'stdout', line: step.print })
    if ('event' in step) control.send({ say: 'enumeratorEvent', vertex: task.vertex, subtask: task.subtask, event: step.event })
    if ('ping' in step) this.#ping()
    if ('awaitPing' in step) await this.#awaitPing()
    if ('park' in step) await new Promise(() => undefined)
    if ('spin' in step) for (;;);
    if ('hang' in step) {
      this.#hung = true
      await new Promise(() => undefined)
    }
    if ('exit' in step) process.exit(step.exit)
    if ('throwLater' in step)
      queueMicrotask(() => {
        throw new Error(step.throwLater)
      })
    if ('fillHeap' in step) for (const kept: unknown[] = []; ; ) kept.push({ text: `${kept.length}` })
  }

  /** Every task passes it and holds nothing. */
  #checkpoint(checkpointId: number): void {
    const { control } = this.#host
    for (const { vertex, subtask } of this.#unfinished.values()) {
      if (this.#decline !== undefined) {
        const error = new StreamError('IO_FAILED', this.#decline).toWire()
        control.send({ say: 'checkpointDeclined', vertex, subtask, checkpointId, error })
        continue
      }
      const durations = { alignmentMs: 0, prepareMs: 1, syncMs: 2, asyncMs: 3, sizeBytes: 0 }
      control.send({ say: 'checkpointPassed', vertex, subtask, checkpointId })
      control.send({
        say: 'checkpointAcknowledged',
        vertex,
        subtask,
        checkpointId,
        snapshot: { finished: false, operators: [] },
        durations,
      })
    }
  }

  #ping(): void {
    const channel = this.#deployment.channels.find(({ fromSlot, toSlot }) => fromSlot === this.#deployment.slot && toSlot !== fromSlot)!
    Atomics.store(new Int32Array(channel.ring), 0, 1)
    this.#host.wakePeer(channel.toSlot)
  }

  /** Looks only when it is woken: without the ping it would wait for ever. */
  async #awaitPing(): Promise<void> {
    const flag = new Int32Array(
      this.#deployment.channels.find(({ fromSlot, toSlot }) => toSlot === this.#deployment.slot && toSlot !== fromSlot)!.ring,
    )
    while (Atomics.load(flag, 0) === 0) await new Promise<void>((resolve) => void (this.#wake = resolve))
  }

  #endAll(state: 'canceled'): void {
    for (const task of [...this.#unfinished.values()]) this.#end(task, state)
  }

  #end(task: { readonly vertex: number; readonly subtask: number; readonly rows: number }, state: 'finished' | 'canceled'): void {
    const { vertex, subtask, rows } = task
    this.#unfinished.delete(`${vertex}/${subtask}`)
    const times = { busyMs: 0, idleMs: 0, backPressuredMs: 0 }
    this.#metrics.push({
      vertex,
      subtask,
      recordsIn: rows,
      recordsOut: rows,
      watermark: 0,
      lateRecordsDropped: 0,
      ...times,
      counters: { rows },
    })
    this.#host.control.send({ say: 'taskState', vertex, subtask, state })
    if (this.#unfinished.size > 0) return
    this.#host.control.send({ say: 'metrics', tasks: this.#metrics })
    this.#finish()
  }
}
