/**
 * Names side outputs. Two tags of one id are one output, so an id must not be used with two types: declared ones are refused.
 */
import type { Type } from '../../base/columnar/data-type.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { OutputTag } from '../function/functions.ts'

/**
 * `type` declares what goes there, which is faster and safer than having it inferred; left out by one of two tags of an id, the
 * other's holds.
 *
 * ```ts
 * const rejected = outputTag<string>('rejected')
 * const parsed = lines.process((line, ctx, out: Collector<number>) => {
 *   if (Number.isNaN(Number(line))) ctx.output(rejected, line)
 *   else out.collect(Number(line))
 * })
 * parsed.getSideOutput(rejected).print()
 * ```
 */
export function outputTag<T>(id: string, type?: Type<T>): OutputTag<T> {
  if (typeof id === 'string' && id !== '') return { id, ...(type !== undefined && { type }) }
  throw new StreamError('INVALID_ARGUMENT', `outputTag(${JSON.stringify(id) ?? String(id)}) has no id`, { hint: 'Give it a name.' })
}
