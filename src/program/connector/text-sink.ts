/**
 * Lines of text: a string as it is, anything else as printSink shows it.
 */
import { checkOptionNames } from '../../base/core/check-options.ts'
import type { Sink } from '../function/sink.ts'
import { type FileSinkOptions, fileSink } from './file-sink.ts'
import { formatValue } from './format-value.ts'

export interface TextSinkOptions<T> extends FileSinkOptions {
  /** How a record becomes a line. */
  readonly format?: (record: T) => string
}

/**
 * A sink that writes one line for each record.
 *
 * ```ts
 * import { getEnvironment, sequence, textSink } from 'headrace'
 *
 * const env = getEnvironment()
 * env.fromSource(sequence(1, 10), { name: 'numbers' }).sinkTo(textSink({ path: 'out/numbers.txt', format: (n) => `number ${n}` }))
 * await env.execute()
 * ```
 */
export function textSink<T = unknown>(options: TextSinkOptions<T>): Sink<T> {
  checkOptionNames('textSink()', options, ['path', 'format'])
  const format = options.format ?? formatValue
  return fileSink('text', options, () => ({ write: (element, file) => file.writeText(`${format(element)}\n`) }))
}
