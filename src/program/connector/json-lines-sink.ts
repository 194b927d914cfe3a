/**
 * JSON lines: one JSON value a line.
 */
import { checkOptionNames } from '../../base/core/check-options.ts'
import type { Sink } from '../function/sink.ts'
import { type FileSinkOptions, fileSink, fileSinkOptionNames } from './file-sink.ts'
import { toJsonText } from './json-value.ts'
import type { OutputFile } from './output-file.ts'

/**
 * A sink that writes each record as one line of JSON. A bigint becomes its digits, a Date ISO text, a Uint8Array base64
 * text, NaN and the infinities null; `jsonLines({ type })` turns all but the last back.
 *
 * ```ts
 * import { collection, getEnvironment, jsonLinesSink } from 'headrace'
 *
 * const env = getEnvironment()
 * env.fromSource(collection([{ id: 1, at: new Date() }]), { name: 'events' }).sinkTo(jsonLinesSink({ path: 'out/events.jsonl' }))
 * await env.execute()
 * ```
 */
export function jsonLinesSink<T = unknown>(options: FileSinkOptions<T>): Sink<T> {
  checkOptionNames('jsonLinesSink()', options, fileSinkOptionNames)
  const createEncoder = () => ({ write: (element: T, file: OutputFile) => file.writeText(`${toJsonText(element)}\n`) })
  return fileSink({ name: 'JSON lines', createEncoder }, options)
}
