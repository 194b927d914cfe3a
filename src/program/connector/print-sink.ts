/**
 * Prints each record as one line where the job was started. With several subtasks the line begins with the subtask's
 * number, from 1, as in Flink: `prefix:2> value`, `2> value`; with one, `prefix> value` or the value alone.
 */
import { checkOptionNames } from '../../base/core/check-options.ts'
import type { Sink } from '../function/sink.ts'
import { formatValue } from './format-value.ts'

/**
 * A sink that prints records to the standard output, or to the standard error.
 *
 * ```ts
 * import { collection, getEnvironment, printSink } from 'headrace'
 *
 * const env = getEnvironment()
 * env.fromSource(collection([1, 2, 3]), { name: 'numbers' }).sinkTo(printSink('n'))
 * await env.execute() // n> 1, n> 2, n> 3
 * ```
 */
export function printSink<T = unknown>(prefix?: string, options: { readonly stderr?: boolean } = {}): Sink<T> {
  checkOptionNames('printSink()', options, ['stderr'])
  const stream = options.stderr === true ? 'stderr' : 'stdout'
  return {
    name: `print to ${stream}`,
    createWriter(ctx) {
      const subtask = ctx.parallelism > 1 ? String(ctx.subtaskIndex + 1) : ''
      const words = [prefix ?? '', subtask].filter((word) => word !== '')
      const start = words.length === 0 ? '' : `${words.join(':')}> `
      return {
        write: (element) => ctx.printLine(stream, start + formatValue(element)),
        flush: () => {},
        close: () => {},
      }
    },
  }
}
