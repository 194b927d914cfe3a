/**
 * Records made by a function of their index. Subtask k of p makes the indices k, k + p, ...: the records of the
 * subtasks interleave as the indices do, which keeps event time in step. The engine calls the function in its own loop.
 */

import type { Type } from '../../base/columnar/data-type.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { Source } from '../function/source.ts'
import { IndexReader } from './index-reader.ts'
import { RateLimit } from './rate-limit.ts'
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

const unitRows = 2_048

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
    createReader: (ctx) => {
      const limit = ratePerSecond === undefined ? undefined : new RateLimit(ratePerSecond / ctx.parallelism, ctx.clock)
      return new IndexReader(ctx, {
        delayMs: () => limit?.delayMs() ?? 0,
        emit(split, output) {
          const left = Math.ceil((count - split.next) / split.step)
          const emitted = Math.min(unitRows, left, limit?.due() ?? unitRows)
          output.emit({ kind: 'range', generate, from: split.next, step: split.step, count: emitted }, `index ${split.next}`)
          limit?.take(emitted)
          return emitted < left ? { ...split, next: split.next + emitted * split.step } : undefined
        },
      })
    },
  }
}

function splits(count: number, parallelism: number): GeneratorSplit[] {
  return Array.from({ length: Math.min(parallelism, count) }, (_, owner) => ({ owner, next: owner, step: parallelism }))
}

const invalid = (what: string) =>
  new StreamError('INVALID_ARGUMENT', `generator(): ${what}`, { hint: 'Write generator((i) => ..., { count: 1000 }).' })
