/**
 * Takes records and does nothing with them. The engine knows it and only counts.
 */
import type { Sink } from '../function/sink.ts'

/**
 * A sink for measuring: records end here.
 *
 * ```ts
 * import { discardSink, getEnvironment, sequence } from 'headrace'
 *
 * const env = getEnvironment()
 * env.fromSource(sequence(1, 1_000_000), { name: 'numbers' }).map((n) => n * 2).sinkTo(discardSink())
 * console.log((await env.execute()).netRuntimeMs)
 * ```
 */
export function discardSink<T = unknown>(): Sink<T> {
  return {
    name: 'discard',
    discards: true,
    createWriter: () => ({ write: () => {}, flush: () => {}, close: () => {} }),
  }
}
