/**
 * Calls into user code: what is thrown becomes a StreamError that names the operator, and a promise where none may be is
 * refused. Whoever calls user code catches with `userFailure`, which leaves errors of operators further down the chain alone.
 */
import { describeThrown } from '../../base/core/describe-thrown.ts'
import { type ErrorPlace, StreamError } from '../../base/core/stream-error.ts'
import type { CheckpointListener, Lifecycle } from '../../program/function/functions.ts'
import type { RuntimeContext } from '../../program/function/runtime-context.ts'

/** What was thrown in `what` of an operator, as an error that says so. */
export function userFailure(ctx: RuntimeContext, what: string, thrown: unknown): StreamError {
  const place = { job: ctx.jobName, operator: ctx.operatorName, subtask: ctx.subtaskIndex }
  if (!(thrown instanceof StreamError)) {
    return new StreamError('USER_FUNCTION_FAILED', `${what} of operator ${ctx.operatorName} failed: ${describeThrown(thrown)}`, {
      place,
      ...(isFrozenWrite(thrown) && { hint: frozenHint }),
      ...(thrown instanceof Error && { cause: thrown }),
    })
  }
  if (thrown.code === 'OUTPUT_OVERFLOW' && thrown.place.operator !== ctx.operatorName) return overflowOf(thrown, ctx, place)
  // It happened further down the chain, inside of an emit: all of a chain is one subtask.
  if (thrown.place.operator !== undefined && thrown.place.subtask !== undefined) return thrown
  const { code, message, hint, domain, retry, cause, stack } = thrown
  const placed = new StreamError(code, message, { hint, domain, retry, cause, place: { ...place, ...thrown.place } })
  if (stack !== undefined) placed.stack = stack
  return placed
}

/** The rows ran over behind an operator that only passes them on: the one whose call made them is the cause. */
function overflowOf(thrown: StreamError, { operatorName }: RuntimeContext, place: ErrorPlace): StreamError {
  const { message, hint, place: at } = thrown
  return new StreamError('OUTPUT_OVERFLOW', `One call of operator '${operatorName}' made too many rows. ${message}`, {
    hint,
    place: { ...at, ...place },
    cause: thrown,
  })
}

const frozenHint =
  'A row that was emitted belongs to the engine and must not change: return a new one, as in { ...row, total }. (execution.check-mutation finds this; it is on in inline mode.)'

/** V8 gives a write to a frozen object no code: only its words tell, and only the hint depends on them. */
const isFrozenWrite = (thrown: unknown): boolean =>
  thrown instanceof TypeError && /read only property|not extensible|Cannot delete property|Cannot redefine property/.test(thrown.message)

export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}

/** Fails the record whose function returned a promise. */
export function refusePromise(promise: PromiseLike<unknown>, ctx: RuntimeContext, what: string): never {
  // The record fails now; a rejection that nobody awaits would end the process before that is said.
  promise.then(undefined, () => undefined)
  throw new StreamError('INVALID_PROGRAM', `${what} of operator ${ctx.operatorName} returned a promise, and it must be synchronous`, {
    hint: 'It must return its result at once. open and close may be async, and so may sources and sinks: read there what answers later.',
    place: { job: ctx.jobName, operator: ctx.operatorName, subtask: ctx.subtaskIndex },
  })
}

/** What a user's function may see of its operator's context. */
export function runtimeOf(ctx: RuntimeContext): RuntimeContext {
  const { jobId, jobName, operatorName, operatorUid, subtaskIndex, parallelism, maxParallelism, attemptNumber } = ctx
  const { operatorId, checkpointing, restoredCheckpointId, clock, fileSystem } = ctx
  return {
    ...{ jobId, jobName, operatorName, operatorUid, subtaskIndex, parallelism, maxParallelism, attemptNumber },
    ...{ operatorId, checkpointing, restoredCheckpointId, clock, fileSystem },
    addToCounter: (name, delta) => ctx.addToCounter(name, delta),
    printLine: (stream, line) => ctx.printLine(stream, line),
    sendToClient: (channel, rows) => ctx.sendToClient(channel, rows),
  }
}

/** open and close of a user's function: close is called once, whatever happened before, a failed or missing open included. */
export class FunctionLifecycle {
  readonly #ctx: RuntimeContext
  readonly #runtime: RuntimeContext
  readonly #fn: Lifecycle & CheckpointListener
  #closed = false

  constructor(ctx: RuntimeContext, fn: unknown, runtime: RuntimeContext = runtimeOf(ctx)) {
    this.#ctx = ctx
    this.#runtime = runtime
    this.#fn = typeof fn === 'function' ? {} : (fn as Lifecycle & CheckpointListener)
  }

  open(): void | Promise<void> {
    return this.#call('open', () => this.#fn.open?.(this.#runtime))
  }

  notifyCheckpointComplete(checkpointId: number): void | Promise<void> {
    return this.#call('notifyCheckpointComplete', () => this.#fn.notifyCheckpointComplete?.(checkpointId))
  }

  notifyCheckpointAborted(checkpointId: number): void {
    this.#call('notifyCheckpointAborted', () => {
      const answered: unknown = this.#fn.notifyCheckpointAborted?.(checkpointId)
      if (isPromise(answered)) refusePromise(answered, this.#ctx, 'notifyCheckpointAborted')
    })
  }

  close(): void | Promise<void> {
    if (this.#closed) return
    this.#closed = true
    return this.#call('close', () => this.#fn.close?.())
  }

  #call(what: string, run: () => unknown): void | Promise<void> {
    const failed = (thrown: unknown): never => {
      throw userFailure(this.#ctx, what, thrown)
    }
    try {
      const result = run()
      if (isPromise(result)) return Promise.resolve(result).then(() => undefined, failed)
    } catch (thrown) {
      failed(thrown)
    }
  }
}
