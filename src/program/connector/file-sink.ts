/**
 * What the file sinks have in common: where the file goes, when it is published, and that nothing is left behind by a
 * failure. How a record becomes bytes is the matter of a FileEncoder.
 */
import { StreamError } from '../../base/core/stream-error.ts'
import type { RuntimeContext } from '../function/runtime-context.ts'
import type { Sink, SinkWriter } from '../function/sink.ts'
import { OutputFile } from './output-file.ts'

export interface FileSinkOptions {
  /** One file where the last part has an extension; a folder of parts where it ends in `/`. */
  readonly path: string
}

/** Turns records into the contents of one file. `write` may wait for `file`, which is backpressure. */
export interface FileEncoder<T> {
  write(element: T, file: OutputFile): void | Promise<void>
  /** Before the file is published: a footer, rows still held. */
  finish?(file: OutputFile): void | Promise<void>
}

/** A sink of files; `format` names it: `JSON lines`. */
export function fileSink<T>(
  format: string,
  options: FileSinkOptions,
  createEncoder: (ctx: RuntimeContext, path: string) => FileEncoder<T> | Promise<FileEncoder<T>>,
): Sink<T> {
  const { path } = options
  const isFolder = checkPath(format, path)
  return {
    name: `${format} ${path}`,
    ...(isFolder ? {} : { maxParallelism: 1 }),
    async createWriter(ctx) {
      const target = isFolder ? `${path}part-${ctx.subtaskIndex}-0` : path
      if (isFolder) await refuseStaleParts(ctx, path)
      const encoder = await createEncoder(ctx, target)
      const file = await OutputFile.create(ctx.fileSystem, target, `${ctx.jobId}-${ctx.attemptNumber}`)
      return new FileSinkWriter(file, encoder)
    },
  }
}

class FileSinkWriter<T> implements SinkWriter<T> {
  readonly #file: OutputFile
  readonly #encoder: FileEncoder<T>

  constructor(file: OutputFile, encoder: FileEncoder<T>) {
    this.#file = file
    this.#encoder = encoder
  }

  write(element: T): void | Promise<void> {
    return this.#encoder.write(element, this.#file)
  }

  async flush(endOfInput: boolean): Promise<void> {
    if (!endOfInput) return this.#file.flush()
    await this.#encoder.finish?.(this.#file)
    await this.#file.publish()
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}

/** Whether the path is a folder of parts. */
function checkPath(format: string, path: unknown): boolean {
  const hint = 'Give one file an extension (out/result.jsonl), or end the path in / for a folder with a part of each subtask (out/result/).'
  if (typeof path !== 'string' || path === '')
    throw new StreamError('INVALID_ARGUMENT', `the ${format} sink was given no path`, { hint, place: { option: 'path' } })
  if (path.endsWith('/')) return true
  if (/[^/]\.[^./]+$/.test(path)) return false
  throw new StreamError('INVALID_ARGUMENT', `the ${format} sink cannot tell whether ${path} is a file or a folder`, {
    hint,
    place: { option: 'path', file: path },
  })
}

/** Parts of an earlier run with more subtasks would stand beside this run's and be read with them. */
async function refuseStaleParts(ctx: RuntimeContext, folder: string): Promise<void> {
  if ((await ctx.fileSystem.status(folder)) === undefined) return
  for (const { path } of await ctx.fileSystem.list(folder)) {
    const part = /\/part-(\d+)-(\d+)$/.exec(path)
    if (part === null || (Number(part[1]) < ctx.parallelism && part[2] === '0')) continue
    throw new StreamError(
      'INVALID_ARGUMENT',
      `${folder} holds ${path.slice(path.lastIndexOf('/') + 1)} of another run, which would be read together with this run's parts`,
      {
        hint: 'Empty the folder or choose another one.',
        place: { file: path },
      },
    )
  }
}
