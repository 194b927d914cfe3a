/**
 * Lines of text: a string as it is, anything else as printSink shows it.
 */
import { checkOptionNames } from '../../base/core/check-options.ts'
import type { Sink } from '../function/sink.ts'
import { type FileSinkOptions, fileSink, fileSinkOptionNames } from './file-sink.ts'
import { formatValue } from './format-value.ts'
import type { OutputFile } from './output-file.ts'

export interface TextSinkOptions<T> extends FileSinkOptions<T> {
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
  checkOptionNames('textSink()', options, [...fileSinkOptionNames, 'format'])
  const format = options.format ?? formatValue
  const createEncoder = () => ({ write: (element: T, file: OutputFile) => file.writeText(`${format(element)}\n`) })
  return fileSink({ name: 'text', createEncoder }, options)
}
