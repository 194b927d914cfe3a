/**
 * Names side outputs. Two tags of one id are one output, so an id must not be used with two types.
 */
import { StreamError } from '../../base/core/stream-error.ts'
import type { OutputTag } from '../function/functions.ts'

/**
 * ```ts
 * const rejected = outputTag<string>('rejected')
 * const parsed = lines.process((line, ctx, out: Collector<number>) => {
 *   if (Number.isNaN(Number(line))) ctx.output(rejected, line)
 *   else out.collect(Number(line))
 * })
 * parsed.getSideOutput(rejected).print()
 * ```
 */
export function outputTag<T>(id: string): OutputTag<T> {
  if (typeof id === 'string' && id !== '') return { id }
  throw new StreamError('INVALID_ARGUMENT', `outputTag(${JSON.stringify(id) ?? String(id)}) has no id`, { hint: 'Give it a name.' })
}
