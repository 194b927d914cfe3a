/**
 * What a sink's writer has prepared and no commit has confirmed yet, by checkpoint, and the way to its committer. Runs in the task's
 * thread. Always holds: committables leave the queue only when their commit has succeeded (or was given up), so a snapshot
 * taken meanwhile has them; checkpoints are committed one after the other, in order.
 */
import type { Clock, TimerHandle } from '../../base/core/clock.ts'
import { describeThrown } from '../../base/core/describe-thrown.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { CommitRequest, SinkCommitter } from '../../program/function/sink.ts'
import type { OperatorContext } from './operator.ts'
import { userFailure } from './user-function.ts'

const firstRetryMs = 100
const longestRetryMs = 10_000
const maxRetries = 10

export interface Uncommitted {
  readonly checkpointId: number
  readonly committable: unknown
}

interface Entry {
  readonly checkpointId: number
  committable: unknown
  retries: number
}

type Verdict = 'committed' | 'retry' | 'given up' | { readonly failed: unknown }

export class CommitQueue {
  readonly #ctx: OperatorContext
  readonly #committer: SinkCommitter<unknown>
  #entries: Entry[] = []
  /** Of the last run of commits; never rejects. */
  #running: Promise<void> = Promise.resolve()
  #backoff: { readonly timer: TimerHandle; readonly end: () => void } | undefined
  #closed = false

  constructor(ctx: OperatorContext, committer: SinkCommitter<unknown>) {
    this.#ctx = ctx
    this.#committer = committer
  }

  add(checkpointId: number, committables: readonly unknown[]): void {
    for (const committable of committables) this.#entries.push({ checkpointId, committable, retries: 0 })
  }

  /** In the order in which they will be committed. */
  get uncommitted(): readonly Uncommitted[] {
    return this.#entries.map(({ checkpointId, committable }) => ({ checkpointId, committable }))
  }

  /** Commits everything of `checkpointId` and the checkpoints before it; rejects when one fails. What is not there any more is done. */
  commitUpTo(checkpointId: number): Promise<void> {
    const run = this.#running.then(() => this.#commitAll(checkpointId))
    // A failure belongs to whoever called: the next call tries again, as commits may be repeated.
    this.#running = run.catch(() => undefined)
    return run
  }

  /** No commit is begun any more; one that is under way ends first. */
  async close(): Promise<void> {
    this.#closed = true
    this.#backoff?.timer.cancel()
    this.#backoff?.end()
    await this.#running
    await this.#call('close', async () => this.#committer.close?.())
  }

  async #commitAll(upTo: number): Promise<void> {
    while (!this.#closed) {
      const due = this.#entries.filter((entry) => entry.checkpointId <= upTo)
      if (due.length === 0) return
      const first = Math.min(...due.map((entry) => entry.checkpointId))
      await this.#commitCheckpoint(due.filter((entry) => entry.checkpointId === first))
    }
  }

  async #commitCheckpoint(entries: readonly Entry[]): Promise<void> {
    let left = entries
    while (left.length > 0 && !this.#closed) {
      left = await this.#attempt(left)
      if (left.length > 0) await this.#wait(left)
    }
  }

  /** Those that are to be tried again. */
  async #attempt(entries: readonly Entry[]): Promise<readonly Entry[]> {
    const verdicts = new Map<Entry, Verdict>(entries.map((entry) => [entry, 'committed']))
    const requests = entries.map((entry) => this.#request(entry, (verdict) => void verdicts.set(entry, verdict)))
    await this.#call('commit', async () => this.#committer.commit(requests))
    this.#entries = this.#entries.filter((entry) => !isDone(verdicts.get(entry)))
    for (const verdict of verdicts.values()) if (typeof verdict === 'object') throw userFailure(this.#ctx, 'commit', verdict.failed)
    return entries.filter((entry) => verdicts.get(entry) === 'retry')
  }

  #request(entry: Entry, decide: (verdict: Verdict) => void): CommitRequest<unknown> {
    return {
      committable: entry.committable,
      numberOfRetries: entry.retries,
      retryLater: () => decide('retry'),
      updateAndRetryLater: (committable) => {
        entry.committable = committable
        decide('retry')
      },
      signalAlreadyCommitted: () => {
        this.#ctx.addToCounter('commitsRepeated', 1)
        decide('committed')
      },
      signalFailedWithKnownReason: (error) => {
        this.#ctx.addToCounter('commitsFailed', 1)
        this.#ctx.printLine('stderr', `operator ${this.#ctx.operatorName} gives up a commit: ${describeThrown(error)}`)
        decide('given up')
      },
      signalFailedWithUnknownReason: (error) => decide({ failed: error }),
    }
  }

  async #wait(entries: readonly Entry[]): Promise<void> {
    const { operatorName, jobName, subtaskIndex, clock } = this.#ctx
    for (const entry of entries) entry.retries++
    const retries = Math.max(...entries.map((entry) => entry.retries))
    if (retries > maxRetries)
      throw new StreamError('USER_FUNCTION_FAILED', `commit of operator ${operatorName} was put off ${maxRetries} times`, {
        hint: 'See what its destination says. The job commits the same again when it is restarted from its last checkpoint.',
        place: { job: jobName, operator: operatorName, subtask: subtaskIndex },
      })
    await this.#sleep(clock, Math.min(firstRetryMs * 2 ** (retries - 1), longestRetryMs))
  }

  async #sleep(clock: Clock, delayMs: number): Promise<void> {
    if (this.#closed) return
    await new Promise<void>((end) => {
      this.#backoff = { timer: clock.setTimer(delayMs, end), end }
    })
    this.#backoff = undefined
  }

  async #call(what: string, run: () => Promise<void>): Promise<void> {
    try {
      await run()
    } catch (thrown) {
      throw userFailure(this.#ctx, what, thrown)
    }
  }
}

const isDone = (verdict: Verdict | undefined): boolean => verdict === 'committed' || verdict === 'given up'
