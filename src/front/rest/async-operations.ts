/**
 * Operations that are triggered with one request and asked about with others: savepoints, checkpoints, stops, disposals. What became of
 * one is kept for five minutes after its end, as in Flink.
 *
 * What always holds: an operation is known by its kind, what it is about and its trigger id; triggered again under the same id, it is the
 * same operation, and nothing is done twice.
 */
import type { Clock } from '../../base/core/clock.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import { failureCause } from './failure-cause.ts'
import { Refusal } from './refusal.ts'

export const keptMs = 5 * 60_000

interface Operation {
  /** Undefined: it is under way. */
  outcome?: { readonly value: unknown } | { readonly error: StreamError }
  endedMs?: number
}

export interface OperationKey {
  readonly kind: string
  /** The job, as a rule. */
  readonly about: string
  readonly triggerId: string
}

export class AsyncOperations {
  readonly #clock: Clock
  readonly #operations = new Map<string, Operation>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** `run` is called at once, unless the operation is known. */
  trigger(key: OperationKey, run: () => Promise<unknown>): void {
    this.#forget()
    const name = nameOf(key)
    if (this.#operations.has(name)) return
    const operation: Operation = {}
    this.#operations.set(name, operation)
    const ended = (outcome: Operation['outcome']): void => {
      operation.outcome = outcome
      operation.endedMs = this.#clock.elapsed()
    }
    run().then(
      (value) => ended({ value }),
      (thrown) => ended({ error: StreamError.from(thrown) }),
    )
  }

  /** Flink's AsynchronousOperationResult. A failure is an operation that has completed, too. */
  status(key: OperationKey): unknown {
    this.#forget()
    const operation = this.#operations.get(nameOf(key))
    if (operation === undefined)
      throw new Refusal(
        404,
        `There is no operation of trigger id ${key.triggerId} for ${key.about}: it is unknown, or ended more than five minutes ago.`,
      )
    if (operation.outcome === undefined) return { status: { id: 'IN_PROGRESS' }, operation: null }
    const { outcome } = operation
    return {
      status: { id: 'COMPLETED' },
      operation: 'error' in outcome ? { [failureKey(key.kind)]: failureCause(outcome.error) } : outcome.value,
    }
  }

  #forget(): void {
    const now = this.#clock.elapsed()
    for (const [name, { endedMs }] of this.#operations) if (endedMs !== undefined && now - endedMs >= keptMs) this.#operations.delete(name)
  }
}

const nameOf = ({ kind, about, triggerId }: OperationKey): string => `${kind} ${about} ${triggerId}`

/** Flink's CheckpointInfo spells it in its own way. */
const failureKey = (kind: string): string => (kind === 'checkpoint' ? 'failureCause' : 'failure-cause')
