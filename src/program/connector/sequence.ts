/**
 * The whole numbers from one to another, both included. Each subtask gets one contiguous range.
 */
import { StreamError } from '../../base/core/stream-error.ts'
import type { Source } from '../function/source.ts'
import { IndexReader } from './index-reader.ts'
import { type QueuedSplit, SplitQueue } from './split-queue.ts'

export interface SequenceSplit extends QueuedSplit {
  readonly next: number
  /** The last number of this split. */
  readonly last: number
}

const identity = (index: number) => index

/**
 * A bounded source of the numbers `from` to `to`, both included, read in parallel.
 *
 * ```ts
 * import { getEnvironment, sequence } from 'headrace'
 *
 * const env = getEnvironment()
 * env.fromSource(sequence(1, 100), { name: 'numbers' }).filter((n) => n % 7 === 0).print()
 * await env.execute()
 * ```
 */
export function sequence(from: number, to: number): Source<number, SequenceSplit, readonly SequenceSplit[]> {
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || !Number.isSafeInteger(to - from + 1)) {
    throw new StreamError('INVALID_ARGUMENT', `sequence(${from}, ${to}): both ends must be whole numbers and their distance below 2^53`, {
      hint: 'For other numbers map the sequence: sequence(0, 9) and map((i) => i / 10).',
    })
  }
  if (to < from) {
    throw new StreamError('INVALID_ARGUMENT', `sequence(${from}, ${to}): the end lies before the start`, {
      hint: 'Both ends are included, so sequence(5, 5) has one number; for none at all use collection([]).',
    })
  }
  return {
    name: `sequence ${from} to ${to}`,
    boundedness: 'bounded',
    createEnumerator: (ctx, restored) => new SplitQueue(ctx, () => ranges(from, to, ctx.parallelism), restored),
    createReader: (ctx) =>
      new IndexReader(ctx, {
        unitRows: 2_048,
        idOf: ({ last }) => `up to ${last}`,
        left: ({ next, last }) => last - next + 1,
        unitOf: ({ next }, count) => ({ kind: 'range', generate: identity, from: next, step: 1, count }),
        positionOf: ({ next }) => `number ${next}`,
        after: (split, count) => ({ ...split, next: split.next + count }),
      }),
  }
}

function ranges(from: number, to: number, parallelism: number): SequenceSplit[] {
  const count = to - from + 1
  const splits: SequenceSplit[] = []
  const [share, rest] = [Math.floor(count / parallelism), count % parallelism]
  let next = from
  for (let owner = 0; owner < parallelism; owner++) {
    const length = share + (owner < rest ? 1 : 0)
    if (length > 0) splits.push({ owner, next, last: next + length - 1 })
    next += length
  }
  return splits
}
