/**
 * Records made by a function of their index. Subtask k of p makes the indices k, k + p, ...: the records of the
 * subtasks interleave as the indices do, which keeps event time in step. The engine calls the function in its own loop.
 */

import type { Type } from '../../base/columnar/data-type.ts'
import { checkOptionNames } from '../../base/core/check-options.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { Source } from '../function/source.ts'
import { IndexReader } from './index-reader.ts'
import { type QueuedSplit, SplitQueue } from './split-queue.ts'

export interface GeneratorSplit extends QueuedSplit {
  readonly next: number
  readonly step: number
}

export interface GeneratorOptions<T> {
  /** How many records in all; Infinity makes an unbounded source. */
  readonly count: number
  /** Records a second of the whole source, whatever its parallelism; absent: as fast as they are taken. */
  readonly ratePerSecond?: number
  readonly type?: Type<T>
}

/**
 * A source of `generate(0)`, `generate(1)`, ... `generate(count - 1)`, split over the subtasks. The function must
 * depend on the index only, so that a restart makes the same records again.
 *
 * ```ts
 * import { generator, getEnvironment } from 'headrace'
 *
 * const env = getEnvironment()
 * env.fromSource(generator((i) => ({ sensor: i % 10, value: i * 0.5 }), { count: 1_000, ratePerSecond: 100 }), { name: 'sensors' }).print()
 * await env.execute()
 * ```
 */
export function generator<T>(
  generate: (index: number) => T,
  options: GeneratorOptions<T>,
): Source<T, GeneratorSplit, readonly GeneratorSplit[]> {
  checkOptionNames('generator()', options, ['count', 'ratePerSecond', 'type'])
  const { count, ratePerSecond } = options
  if (typeof generate !== 'function') throw invalid('the first argument must be a function of the index')
  if (!(Number.isSafeInteger(count) || count === Number.POSITIVE_INFINITY) || count < 0)
    throw invalid(`count is ${count}, not a whole number from 0, or Infinity`)
  if (ratePerSecond !== undefined && !(ratePerSecond > 0 && Number.isFinite(ratePerSecond)))
    throw invalid(`ratePerSecond is ${ratePerSecond}, not a number above 0`)
  const bounded = count !== Number.POSITIVE_INFINITY
  return {
    name: `generator of ${bounded ? count : 'endless'} records${ratePerSecond === undefined ? '' : ` at ${ratePerSecond}/s`}`,
    boundedness: bounded ? 'bounded' : 'unbounded',
    type: options.type,
    createEnumerator: (ctx, restored) => new SplitQueue(ctx, () => splits(count, ctx.parallelism), restored),
    createReader: (ctx) =>
      new IndexReader(ctx, {
        unitRows: 2_048,
        idOf: ({ next, step }) => `${next % step} of ${step}`,
        left: ({ next, step }) => Math.ceil((count - next) / step),
        unitOf: ({ next, step }, rows) => ({ kind: 'range', generate, from: next, step, count: rows }),
        positionOf: ({ next }) => `index ${next}`,
        after: (split, rows) => ({ ...split, next: split.next + rows * split.step }),
        // Of the splits that there were at the beginning, not of the subtasks that there are now.
        ...(ratePerSecond !== undefined && { ratePerSecondOf: ({ step }) => ratePerSecond / step }),
      }),
  }
}

function splits(count: number, parallelism: number): GeneratorSplit[] {
  return Array.from({ length: Math.min(parallelism, count) }, (_, owner) => ({ owner, next: owner, step: parallelism }))
}

const invalid = (what: string) =>
  new StreamError('INVALID_ARGUMENT', `generator(): ${what}`, { hint: 'Write generator((i) => ..., { count: 1000 }).' })
