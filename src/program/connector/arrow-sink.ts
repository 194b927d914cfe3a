/**
 * Arrow IPC files, which every Arrow reader opens.
 */

import { type ArrowFileState, ArrowIpcWriter } from '../../base/columnar/arrow-ipc.ts'
import type { Type } from '../../base/columnar/data-type.ts'
import { schemaOf } from '../../base/columnar/schema.ts'
import { checkOptionNames } from '../../base/core/check-options.ts'
import type { Sink } from '../function/sink.ts'
import { type FileSinkOptions, fileSink, fileSinkOptionNames } from './file-sink.ts'
import type { OutputFile } from './output-file.ts'
import type { FileEncoder } from './output-part.ts'

export interface ArrowSinkOptions<T> extends FileSinkOptions<T> {
  /** The declared type of a record; absent: the least type that holds the first 2,048 records, or those before the first checkpoint. */
  readonly type?: Type<T>
}

/**
 * A sink that writes Arrow IPC files (Feather 2). A file has one schema; a record that does not fit it fails and names
 * the field.
 *
 * ```ts
 * import { arrowSink, collection, getEnvironment } from 'headrace'
 *
 * const env = getEnvironment()
 * env.fromSource(collection([{ city: 'Basel', people: 178_000 }]), { name: 'cities' }).sinkTo(arrowSink({ path: 'out/cities.arrow' }))
 * await env.execute()
 * ```
 */
export function arrowSink<T = unknown>(options: ArrowSinkOptions<T>): Sink<T> {
  checkOptionNames('arrowSink()', options, [...fileSinkOptionNames, 'type'])
  const createEncoder = (_ctx: unknown, path: string, state?: unknown) =>
    arrowEncoder<T>(options, path, state as ArrowFileState | undefined)
  return { ...fileSink<T>({ name: 'Arrow', hasFooter: true, createEncoder }, options), type: options.type }
}

async function arrowEncoder<T>({ type }: ArrowSinkOptions<T>, path: string, state: ArrowFileState | undefined): Promise<FileEncoder<T>> {
  const schema = type === undefined ? undefined : schemaOf(type)
  const writer = await (state === undefined ? ArrowIpcWriter.open(path, schema) : ArrowIpcWriter.resume(path, state, schema !== undefined))
  return {
    write: (element, file) => writeAll(file, writer.append(element)),
    finish: (file) => writeAll(file, writer.finish()),
    async persist(file) {
      const { bytes, state: now } = writer.persist()
      await writeAll(file, bytes)
      return now
    },
  }
}

/** The file accepts bytes beyond its buffer: all are handed over at once, and each failure is heard. */
function writeAll(file: OutputFile, chunks: readonly Uint8Array[]): void | Promise<void> {
  const waiting = chunks.map((chunk) => file.writeBytes(chunk)).filter((promise) => promise !== undefined)
  if (waiting.length > 0) return Promise.all(waiting).then(() => {})
}
