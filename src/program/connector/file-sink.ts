/**
 * What the file sinks have in common: where files go, when they are finished, and that each record is published once. How a record
 * becomes bytes is the matter of a FileEncoder.
 *
 * With checkpointing a file is in progress (hidden), then finished with a checkpoint, and published by its commit. Without it, files
 * are published at the end of bounded input, and a run replaces the files of the run before, unless it goes on from a savepoint of it.
 */
import { StreamError } from '../../base/core/stream-error.ts'
import type { RuntimeContext } from '../function/runtime-context.ts'
import type { Sink, SinkCommitter } from '../function/sink.ts'
import { removeDeadParts } from './dead-parts.ts'
import { type BucketBy, bucketFunction, checkBucketBy } from './file-buckets.ts'
import { checkRolling, type RollingOptions, rollingPolicy } from './file-rolling.ts'
import { type FileCommittable, type FileLayout, FileSinkWriter, type FileWriterState, sealerOf } from './file-sink-writer.ts'
import type { FileEncoder } from './output-part.ts'
import { keepsParts, partWriter } from './part-names.ts'

/** `path` alone says where; the others are for a folder. */
export interface FileSinkOptions<T = any> {
  /** One file where the last part has an extension; a folder of parts where it ends in `/`. */
  readonly path: string
  /** When a part is finished and the next one begun. */
  readonly rolling?: RollingOptions
  /** Folders below `path`, by time or by record. Default: none. */
  readonly bucketBy?: BucketBy<T>
  /** How a part's name begins, before `-<subtask>-...`. Default: `part`. */
  readonly prefix?: string
  /** How it ends: `.jsonl`. Default: nothing. */
  readonly suffix?: string
}

/** Names of the options above, for checkOptionNames. */
export const fileSinkOptionNames = ['path', 'rolling', 'bucketBy', 'prefix', 'suffix'] as const

export interface SinkFormat<T> {
  /** `JSON lines`. */
  readonly name: string
  /** A file is only whole with what stands at its end: parts of a folder are finished at each checkpoint. */
  readonly hasFooter?: boolean
  /** For the file at `path`; `state` is what the encoder of the same file returned from persist, in an earlier attempt. */
  createEncoder(ctx: RuntimeContext, path: string, state?: unknown): FileEncoder<T> | Promise<FileEncoder<T>>
}

export function fileSink<T>(format: SinkFormat<T>, options: FileSinkOptions<T>): Sink<T, FileCommittable, FileWriterState> {
  const { path, prefix = 'part', suffix = '', rolling, bucketBy } = options
  const isFolder = checkOptions(format.name, options)
  const name = `${format.name} ${path}`
  const layout = (ctx: RuntimeContext): FileLayout<T> => ({
    ...{ name, path, isFolder, prefix, suffix },
    rolling: rollingPolicy(
      name,
      isFolder ? rolling : { sizeBytes: Number.POSITIVE_INFINITY },
      ctx.checkpointing,
      format.hasFooter === true,
    ),
    bucketOf: bucketFunction(bucketBy, () => ctx.clock.now()),
    createEncoder: (context, file, state) => format.createEncoder(context, file, state),
  })
  const place = { folder: path.slice(0, path.lastIndexOf('/') + 1), isDeep: isFolder && bucketBy !== undefined }
  return {
    name,
    ...(isFolder ? {} : { maxParallelism: 1 }),
    async createWriter(ctx) {
      if (ctx.checkpointing && ctx.restoredCheckpointId === undefined) await removeDeadParts(ctx, place, partWriter(ctx), [])
      if (!keepsParts(ctx) && isFolder && bucketBy === undefined) await refuseStaleParts(ctx, path, prefix, suffix)
      const writer = new FileSinkWriter(ctx, layout(ctx))
      // Names that are never used again: parts are begun by their first record, so that none is empty.
      if (!isFolder || !keepsParts(ctx)) await writer.begin()
      return writer
    },
    async restoreWriter(ctx, states) {
      await removeDeadParts(ctx, place, partWriter(ctx), states)
      const writer = new FileSinkWriter(ctx, layout(ctx))
      await writer.restore(states)
      if (!isFolder) await writer.begin()
      return writer
    },
    createCommitter: fileCommitter,
  }
}

function fileCommitter(ctx: RuntimeContext): SinkCommitter<FileCommittable> {
  const me = sealerOf(ctx)
  return {
    async commit(requests) {
      for (const request of requests) {
        try {
          if ((await ctx.fileSystem.commitRecoverable(request.committable)) === 'already committed') request.signalAlreadyCommitted()
        } catch (error) {
          // A snapshot may be older than what has been done with the files that it published.
          const isGone = error instanceof StreamError && error.code === 'FILE_NOT_FOUND' && request.committable.sealedBy !== me
          if (isGone) request.signalFailedWithKnownReason(error)
          else request.signalFailedWithUnknownReason(error)
        }
      }
    },
  }
}

/** Whether the path is a folder of parts. */
function checkOptions(format: string, options: FileSinkOptions): boolean {
  const { path, rolling, bucketBy, prefix, suffix } = options
  const hint = 'Give one file an extension (out/result.jsonl), or end the path in / for a folder with a part of each subtask (out/result/).'
  if (typeof path !== 'string' || path === '')
    throw new StreamError('INVALID_ARGUMENT', `the ${format} sink was given no path`, { hint, place: { option: 'path' } })
  checkRolling(`${format} ${path}`, rolling)
  checkBucketBy(`${format} ${path}`, bucketBy)
  checkNamePart(`${format} ${path}`, 'prefix', prefix, /^[^/\0._][^/\0]*$/)
  checkNamePart(`${format} ${path}`, 'suffix', suffix, /^[^/\0]*$/)
  if (path.endsWith('/')) return true
  const folderOnly = Object.entries({ rolling, bucketBy, prefix, suffix }).find(([, value]) => value !== undefined)
  if (folderOnly !== undefined && /[^/]\.[^./]+$/.test(path))
    throw new StreamError('INVALID_ARGUMENT', `the ${format} sink into the one file ${path} was given ${folderOnly[0]}`, {
      hint: 'It is for a folder of parts: end the path in /.',
      place: { option: folderOnly[0], file: path },
    })
  if (/[^/]\.[^./]+$/.test(path)) return false
  throw new StreamError('INVALID_ARGUMENT', `the ${format} sink cannot tell whether ${path} is a file or a folder`, {
    hint,
    place: { option: 'path', file: path },
  })
}

function checkNamePart(what: string, option: string, text: unknown, allowed: RegExp): void {
  if (text === undefined || (typeof text === 'string' && allowed.test(text))) return
  throw new StreamError('INVALID_ARGUMENT', `${what}: ${option} is ${typeof text === 'string' ? `'${text}'` : String(text)}`, {
    hint: 'It is part of a file name: without /, and a prefix does not begin with . or _, which readers skip.',
    place: { option },
  })
}

/** Parts of an earlier run with more subtasks would stand beside this run's and be read with them. */
async function refuseStaleParts(ctx: RuntimeContext, folder: string, prefix: string, suffix: string): Promise<void> {
  if ((await ctx.fileSystem.status(folder)) === undefined) return
  for (const { path } of await ctx.fileSystem.list(folder)) {
    const name = path.slice(path.lastIndexOf('/') + 1)
    if (!name.startsWith(`${prefix}-`) || !name.endsWith(suffix)) continue
    const part = /^(?:(\d+)-(\d+)|\d+-[0-9a-f]{8}-\d+)$/.exec(name.slice(prefix.length + 1, name.length - suffix.length))
    if (part === null || (part[1] !== undefined && Number(part[1]) < ctx.parallelism && part[2] === '0')) continue
    throw new StreamError(
      'INVALID_ARGUMENT',
      `${folder} holds ${name} of another run, which would be read together with this run's parts`,
      {
        hint: 'Empty the folder or choose another one.',
        place: { file: path },
      },
    )
  }
}
