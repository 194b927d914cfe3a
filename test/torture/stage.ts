/**
 * What a program of the table is given: rows to begin with, a place where its functions may be hurt, and a folder for its files. The
 * streams that it returns go into the harness's sink; one with sinks of its own says in `outputs` how they are read.
 */
import type { Type } from '../../src/base/columnar/data-type.ts'
import { StreamError } from '../../src/base/core/stream-error.ts'
import type { FileSystem } from '../../src/base/filesystem/file-system.ts'
import type { Environment } from '../../src/program/api/environment.ts'
import type { DataStream } from '../../src/program/api/streams.ts'
import { boundedOutOfOrderness } from '../../src/program/api/watermarks.ts'
import type { WatermarkStrategy } from '../../src/program/function/watermark.ts'
import type { Place } from './simulated-process.ts'
import { boundMs, plainRow, type Row, tortureSource } from './torture-source.ts'

export interface StageOptions {
  /** Rows of one split. */
  readonly rows: number
  readonly pauseMs: number
  readonly folder: string
  readonly at: (place: Place) => void
}

export interface RowsOptions<T> {
  readonly name?: string
  readonly splits?: number
  readonly rowOf?: (split: number, i: number) => T
  readonly type?: Type<T>
  readonly parallelism?: number
  readonly watermarks?: WatermarkStrategy<T>
}

export class Stage {
  readonly env: Environment
  readonly folder: string
  readonly #options: StageOptions
  #sources = 0

  constructor(env: Environment, options: StageOptions) {
    this.env = env
    this.folder = options.folder
    this.#options = options
  }

  /** A function calls this once a row or so: it may be its end. Gives back what it is given. */
  hurt<V>(value?: V): V {
    this.#options.at('function')
    return value as V
  }

  /** Something is wrong that must never be, whatever happened: it cannot be repaired by a restart. */
  broken(what: string): never {
    throw new StreamError('INTERNAL', `broken: ${what}`)
  }

  readonly open = (): void => this.#options.at('open')

  get rowCount(): number {
    return this.#options.rows
  }

  get pauseMs(): number {
    return this.#options.pauseMs
  }

  /** Keyed rows with event time, each key in one split. */
  rows<T extends { readonly ts: number } = Row>({
    name,
    splits = 4,
    rowOf = plainRow as any,
    type,
    parallelism,
    watermarks,
  }: RowsOptions<T> = {}): DataStream<T> {
    const { rows, pauseMs, at } = this.#options
    const source = tortureSource<T>({ splits, rowsPerSplit: rows, rowOf, pauseMs, at, ...(type && { type }) })
    return this.env.fromSource(source, {
      name: name ?? `rows ${++this.#sources}`,
      watermarks: watermarks ?? boundedOutOfOrderness<T>(boundMs, (row) => row.ts),
      ...(parallelism && { parallelism }),
    })
  }
}

export interface NamedProgram extends TortureProgram {
  readonly name: string
}

export interface TortureProgram {
  readonly build: (stage: Stage) => readonly DataStream<any>[] | DataStream<any> | void
  /** Files that it reads, made ahead of the first process. */
  readonly inputs?: (files: FileSystem, folder: string, rows: number) => Promise<void>
  /** What its own sinks have published, as texts. */
  readonly outputs?: (files: FileSystem, folder: string) => Promise<readonly string[]>
  /** Its result depends on the order of watermarks and rows: always this. */
  readonly parallelism?: number
  /** Rows of one split; absent: what the harness takes. */
  readonly rows?: number
}
