/**
 * Files and folders as a source. An enumerator finds the files and cuts them into splits; readers ask for one split at
 * a time, in the order of path and position, so that files ordered by time are read in the order of time.
 */
import { checkOptionNames } from '../../base/core/check-options.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { Source } from '../function/source.ts'
import { FileEnumerator, type FileEnumeratorState } from './file-enumerator.ts'
import type { FileFormat, FileSplit } from './file-format.ts'
import { FileSourceReader } from './file-source-reader.ts'

export interface FileSourceOptions<T> {
  /** A file, or a folder that is read with all folders below it; names that begin with . or _ are skipped. */
  readonly path?: string
  readonly paths?: readonly string[]
  readonly format: FileFormat<T>
  /** Looks for new files every so many ms and never ends. A path is read once: later changes of the file are not seen. */
  readonly monitorInterval?: number
  /** Files that can be are cut into splits of about this size. Default: 64 MB. */
  readonly splitBytes?: number
}

const defaultSplitBytes = 64 << 20

/**
 * A source of the records in files, read in parallel by all subtasks.
 *
 * ```ts
 * import { csv, fileSource, getEnvironment } from 'headrace'
 *
 * const env = getEnvironment()
 * env.fromSource(fileSource({ path: 'in/', format: csv<{ city: string; people: number }>() }), { name: 'cities' }).print()
 * await env.execute()
 * ```
 */
export function fileSource<T>(options: FileSourceOptions<T>): Source<T, FileSplit, FileEnumeratorState> {
  checkOptionNames('fileSource()', options, ['path', 'paths', 'format', 'monitorInterval', 'splitBytes'])
  const { format, monitorInterval, splitBytes = defaultSplitBytes } = options
  const paths = options.paths ?? (options.path === undefined ? [] : [options.path])
  if (paths.length === 0 || paths.some((path) => typeof path !== 'string' || path === ''))
    throw invalid('was given no path', "Pass { path: 'in/' } or { paths: ['a.csv', 'b.csv'] }.")
  if (options.path !== undefined && options.paths !== undefined) throw invalid('was given both path and paths', 'Pass one of the two.')
  if (typeof format?.plan !== 'function')
    throw invalid('was given no format', 'Pass format: csv(), jsonLines(), textLines(), parquet() or arrowIpc().')
  if (monitorInterval !== undefined && !(monitorInterval > 0))
    throw invalid(`was given the monitorInterval ${monitorInterval}`, 'Pass a time in ms above 0, such as seconds(10).')
  if (!(splitBytes >= 1)) throw invalid(`was given splitBytes ${splitBytes}`, 'Pass a number of bytes above 0.')
  return {
    name: `${format.name} files ${paths.length === 1 ? paths[0] : `${paths[0]} and ${paths.length - 1} more`}`,
    boundedness: monitorInterval === undefined ? 'bounded' : 'unbounded',
    type: format.type,
    createEnumerator: (ctx, restored) => new FileEnumerator(ctx, { paths, format, monitorInterval, splitBytes }, restored),
    createReader: (ctx) => new FileSourceReader<T>(ctx, format),
  }
}

const invalid = (what: string, hint: string) => new StreamError('INVALID_ARGUMENT', `fileSource() ${what}`, { hint })
