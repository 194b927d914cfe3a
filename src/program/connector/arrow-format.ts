/**
 * Arrow IPC files and streams. The record batches of a file are shared out in runs of about the split size; a stream is
 * read from its beginning by one reader.
 */

import { type ArrowIpcReader, openArrowIpc } from '../../base/columnar/arrow-ipc.ts'
import { readArrowColumns } from '../../base/columnar/read-arrow-columns.ts'
import { checkOptionNames } from '../../base/core/check-options.ts'
import type { FileReader, FileSystem } from '../../base/filesystem/file-system.ts'
import type { DecodedUnit, FileFormat, SplitReader } from './file-format.ts'
import { type RowsOrColumns, rowCountOf, sliceUnit } from './source-unit.ts'

export interface ArrowIpcOptions {
  /** The columns to read, in this order; absent: all. */
  readonly columns?: readonly string[]
}

/** Record batches `from` to before `until`; null: to the end. */
export interface ArrowPart {
  readonly from: number
  readonly until: number | null
}

/** The next row, by batch and row in it. */
export interface ArrowPosition {
  readonly batch: number
  readonly row: number
}

const unitRows = 4_096

/**
 * The format of Arrow IPC, files (Feather 2, the state files of checkpoints too) and streams, without compression. Timestamps are ms since the epoch, dates
 * are Dates, 64-bit integers numbers (beyond 2^53 they fail and name the column).
 *
 * ```ts
 * import { arrowIpc, fileSource, getEnvironment } from 'headrace'
 *
 * const env = getEnvironment()
 * env.fromSource(fileSource({ path: 'flights.arrow', format: arrowIpc<{ delay: number }>({ columns: ['delay'] }) }), { name: 'flights' }).print()
 * await env.execute()
 * ```
 */
export function arrowIpc<T = Record<string, unknown>>(options: ArrowIpcOptions = {}): FileFormat<T, ArrowPart, ArrowPosition> {
  checkOptionNames('arrowIpc()', options, ['columns'])
  return {
    name: 'Arrow',
    async plan({ path, sizeBytes }, { fileSystem, splitBytes }) {
      if (sizeBytes === 0) return []
      const file = await fileSystem.open(path)
      try {
        const { batchCount } = await openArrowIpc(file, path)
        if (batchCount === undefined) return [{ from: 0, until: null }]
        const perPart = Math.max(1, Math.floor((splitBytes * batchCount) / sizeBytes))
        return Array.from({ length: Math.ceil(batchCount / perPart) }, (_, i) => ({
          from: i * perPart,
          until: Math.min(batchCount, (i + 1) * perPart),
        }))
      } finally {
        await file.close()
      }
    },
    open: ({ path, part, position }, ctx) => new ArrowSplitReader<T>(path, part, position, options, ctx.fileSystem),
  }
}

class ArrowSplitReader<T> implements SplitReader<T, ArrowPosition> {
  readonly #path: string
  readonly #part: ArrowPart
  readonly #options: ArrowIpcOptions
  readonly #fileSystem: FileSystem
  #file: FileReader | undefined
  #reader: ArrowIpcReader | undefined
  /** The batch that is being given out; undefined: it must be read. */
  #unit: RowsOrColumns<T> | undefined
  #batch: number
  #row: number
  #atEnd = false

  constructor(path: string, part: ArrowPart, position: ArrowPosition | undefined, options: ArrowIpcOptions, fileSystem: FileSystem) {
    this.#path = path
    this.#part = part
    this.#options = options
    this.#fileSystem = fileSystem
    this.#batch = position?.batch ?? part.from
    this.#row = position?.row ?? 0
  }

  poll(maxRows: number): DecodedUnit<T> | 'pending' | 'again' | 'end' {
    if (this.#atEnd || this.#batch >= (this.#part.until ?? Number.POSITIVE_INFINITY)) return 'end'
    const unit = this.#unit
    if (unit === undefined) return 'pending'
    const count = rowCountOf(unit)
    const [batch, from] = [this.#batch, this.#row]
    const until = Math.min(from + unitRows, from + maxRows, count)
    this.#row = until
    if (until === count) {
      this.#unit = undefined
      this.#batch++
      this.#row = 0
    }
    return until > from ? { unit: sliceUnit(unit, from, until), position: `${this.#path} batch ${batch} row ${from}` } : 'again'
  }

  async fill(): Promise<void> {
    this.#file ??= await this.#fileSystem.open(this.#path)
    this.#reader ??= await readArrowColumns(this.#file, this.#path, this.#options.columns)
    const batch = await this.#reader.readBatch(this.#batch)
    if (batch === undefined) this.#atEnd = true
    else if (batch.root === 'value') this.#unit = { kind: 'rows', rows: Array.from(batch.columns[0]?.values ?? []) as T[] }
    else this.#unit = { kind: 'columns', rowCount: batch.rowCount, columns: batch.columns }
  }

  position(): ArrowPosition {
    return { batch: this.#batch, row: this.#row }
  }

  async close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.close()
  }
}
