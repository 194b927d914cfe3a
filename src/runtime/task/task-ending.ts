/**
 * The end of a task, step by step: operators learn that their input has ended, one after the other, then consumers that no data
 * comes any more, then that nothing does; and what producers still have to say is read until they have said it.
 */
import type { StepResult, TaskOptions } from './task-options.ts'

type EndStep = Exclude<StepResult, 'awaiting'> | Promise<void>

export class TaskEnding {
  readonly #options: TaskOptions
  #endingAt = 0
  #saidEndOfData = false
  #saidEndOfPartition = false

  constructor(options: TaskOptions) {
    this.#options = options
  }

  /** Towards the end of data; `ended`: it is said. A promise is an operator's, to be awaited before the next step. */
  end(): EndStep {
    const { chain } = this.#options
    const { nodes } = chain.runtime
    if (this.#endingAt === nodes.length) return this.#sayEndOfData() ? 'ended' : 'blocked'
    chain.renew()
    // One a step: what an operator emits at its end, a sink's write or a watermark among it, is through before the next one's.
    return nodes[this.#endingAt++]!.operator?.endInput?.() ?? 'progressed'
  }

  #sayEndOfData(): boolean {
    const { edges } = this.#options
    if (this.#saidEndOfData) return true
    if (!edges.scatter()) return false
    edges.broadcast({ kind: 'endOfData' })
    this.#saidEndOfData = true
    return true
  }

  /** Towards closed outputs and inputs; `ended`: they are. Without `saysEndOfData` the data goes on elsewhere, behind a savepoint. */
  drain(saysEndOfData: boolean): StepResult {
    const { edges, input } = this.#options
    if (saysEndOfData && !this.#sayEndOfData()) return 'blocked'
    if (!this.#saidEndOfPartition) edges.broadcast({ kind: 'endOfPartition' })
    this.#saidEndOfPartition = true
    const isDrained = edges.drain()
    // Producers still have to get rid of their last words.
    if (!input.isClosed && input.poll() !== undefined) return 'progressed'
    if (!isDrained) return 'blocked'
    return input.isClosed ? 'ended' : 'idle'
  }
}
