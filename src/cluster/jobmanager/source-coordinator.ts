/**
 * Runs the enumerator of one source beside the job's coordinator and gives it the SplitEnumeratorContext.
 *
 * What always holds: the enumerator is entered by one call at a time and by none before start() has returned (its promise
 * included) or after close(); whatever it throws, or its async work rejects with, goes to `fail` once and ends it.
 */
import type { Clock, TimerHandle } from '../../base/core/clock.ts'
import { describeThrown } from '../../base/core/describe-thrown.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { FileSystem } from '../../base/filesystem/file-system.ts'
import type { Source, SplitEnumerator, SplitEnumeratorContext } from '../../program/function/source.ts'
import type { ToReader } from '../rpc/source-host.ts'

export interface SourceCoordinatorOptions {
  readonly source: Source<unknown>
  readonly vertex: number
  /** The operator's name, for messages. */
  readonly name: string
  readonly parallelism: number
  readonly clock: Clock
  readonly fileSystem: FileSystem
  /** What snapshot() answered for the checkpoint that the job goes on from; absent: it begins. */
  readonly restored?: unknown
  readonly send: (message: ToReader) => void
  readonly fail: (error: StreamError) => void
}

type Phase = 'new' | 'starting' | 'started' | 'failed' | 'closed'

export class SourceCoordinator {
  readonly #options: SourceCoordinatorOptions
  #enumerator: SplitEnumerator<unknown> | undefined
  #phase: Phase = 'new'
  /** Calls that came before start() had returned. */
  #waiting: ((enumerator: SplitEnumerator<unknown>) => void)[] = []
  readonly #registered = new Set<number>()
  readonly #timers = new Set<TimerHandle>()

  constructor(options: SourceCoordinatorOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    this.#phase = 'starting'
    try {
      this.#enumerator = this.#options.source.createEnumerator(this.#context(), this.#options.restored)
      await this.#enumerator.start()
    } catch (thrown) {
      this.#fail(thrown, 'starting it')
      return
    }
    if (this.#phase !== 'starting') return
    this.#phase = 'started'
    const waiting = this.#waiting
    this.#waiting = []
    for (const call of waiting) this.#turn(call, 'its first calls')
  }

  registerReader(subtask: number): void {
    this.#turn((enumerator) => {
      this.#registered.add(subtask)
      enumerator.addReader(subtask)
    }, `adding reader ${subtask}`)
  }

  requestSplit(subtask: number): void {
    this.#turn((enumerator) => enumerator.handleSplitRequest(subtask), `the split request of reader ${subtask}`)
  }

  readerEvent(subtask: number, event: unknown): void {
    this.#turn((enumerator) => {
      if (enumerator.handleReaderEvent === undefined) {
        throw new StreamError(
          'INVALID_PROGRAM',
          `A reader of source '${this.#options.name}' sent an event, but its enumerator has no handleReaderEvent`,
        )
      }
      enumerator.handleReaderEvent(subtask, event)
    }, `an event of reader ${subtask}`)
  }

  /**
   * The enumerator's state, a copy of it: what is not assigned now; undefined when it keeps none. What it throws declines the
   * checkpoint: an enumerator that is not there, or that fails with this call, which fails the job too.
   */
  snapshot(checkpointId: number): unknown {
    if (this.#phase !== 'started') throw this.#declined()
    try {
      return structuredClone(this.#enumerator!.snapshotState(checkpointId))
    } catch (thrown) {
      const during = `its snapshot for checkpoint ${checkpointId}`
      this.#fail(thrown, during)
      throw this.#named(thrown, during)
    }
  }

  notifyCheckpointComplete(checkpointId: number): void {
    this.#turn((enumerator) => enumerator.notifyCheckpointComplete?.(checkpointId), `the completion of checkpoint ${checkpointId}`)
  }

  /** Never rejects: what close() throws goes to `fail`. */
  async close(): Promise<void> {
    if (this.#phase === 'closed') return
    this.#stopTimers()
    const failed = this.#phase === 'failed'
    this.#phase = 'closed'
    try {
      await this.#enumerator?.close()
    } catch (thrown) {
      if (!failed) this.#options.fail(this.#named(thrown, 'closing it'))
    }
  }

  #turn(call: (enumerator: SplitEnumerator<unknown>) => void, during: string): void {
    if (this.#phase === 'new' || this.#phase === 'starting') {
      this.#waiting.push(call)
      return
    }
    if (this.#phase !== 'started') return
    try {
      call(this.#enumerator!)
    } catch (thrown) {
      this.#fail(thrown, during)
    }
  }

  #context(): SplitEnumeratorContext<unknown> {
    const { parallelism, fileSystem, clock, vertex } = this.#options
    // What it still says after its end would go to the readers of the next attempt, which have an enumerator of their own.
    const send: SourceCoordinatorOptions['send'] = (message) => void (this.#over || this.#options.send(message))
    return {
      parallelism,
      fileSystem,
      clock,
      registeredReaders: () => [...this.#registered].sort((a, b) => a - b),
      assignSplits: (subtask, splits) => {
        this.#mustBeRegistered(subtask, 'assigned splits to')
        send({ do: 'assignSplits', vertex, subtask, splits })
      },
      signalNoMoreSplits: (subtask) => {
        this.#mustBeRegistered(subtask, 'signalled the end of splits to')
        send({ do: 'noMoreSplits', vertex, subtask })
      },
      sendEventToReader: (subtask, event) => {
        this.#mustBeRegistered(subtask, 'sent an event to')
        send({ do: 'readerEvent', vertex, subtask, event })
      },
      callAsync: (work, handler, periodMs) => this.#callAsync(work, handler, periodMs),
    }
  }

  /** A period is counted from the end of one run to the start of the next: runs never overlap. */
  #callAsync<R>(work: () => Promise<R>, handler: (result: R) => void, periodMs: number | undefined): void {
    const run = async (): Promise<void> => {
      let result: R
      try {
        result = await work()
      } catch (thrown) {
        this.#fail(thrown, 'its asynchronous work')
        return
      }
      this.#turn(() => handler(result), 'handling the result of its asynchronous work')
      if (periodMs === undefined || this.#over) return
      const timer = this.#options.clock.setTimer(periodMs, () => {
        this.#timers.delete(timer)
        void run()
      })
      this.#timers.add(timer)
    }
    void run()
  }

  #declined(): StreamError {
    const what = { new: 'has not begun to start', starting: 'is still starting', started: '', failed: 'has failed', closed: 'is closed' }
    const { name } = this.#options
    return new StreamError('CHECKPOINT_DECLINED', `The enumerator of source '${name}' ${what[this.#phase]}, so it has no state to save`, {
      hint: 'The next checkpoint comes after it has started; look at what its start() waits for if that takes long.',
      place: { operator: name },
    })
  }

  get #over(): boolean {
    return this.#phase === 'failed' || this.#phase === 'closed'
  }

  #mustBeRegistered(subtask: number, did: string): void {
    if (this.#registered.has(subtask)) return
    throw new StreamError(
      'INVALID_PROGRAM',
      `The enumerator of source '${this.#options.name}' ${did} subtask ${subtask}, whose reader has not registered`,
      {
        hint: 'Wait for addReader(subtask), or look at registeredReaders().',
        place: { operator: this.#options.name, subtask },
      },
    )
  }

  #fail(thrown: unknown, during: string): void {
    if (this.#over) return
    this.#phase = 'failed'
    this.#stopTimers()
    this.#options.fail(this.#named(thrown, during))
  }

  /** A StreamError of a connector says by itself what happened, and where: in this source. */
  #named(thrown: unknown, during: string): StreamError {
    if (thrown instanceof StreamError) {
      if (thrown.place.operator !== undefined) return thrown
      const { code, message, hint, domain, retry, cause, place, stack } = thrown
      const named = new StreamError(code, message, { hint, domain, retry, cause, place: { operator: this.#options.name, ...place } })
      if (stack !== undefined) named.stack = stack
      return named
    }
    return new StreamError(
      'USER_FUNCTION_FAILED',
      `The enumerator of source '${this.#options.name}' failed during ${during}: ${describeThrown(thrown)}`,
      {
        cause: thrown,
        place: { operator: this.#options.name },
      },
    )
  }

  #stopTimers(): void {
    for (const timer of this.#timers) timer.cancel()
    this.#timers.clear()
  }
}
