/**
 * How files of one kind become splits, and splits become units of work. A format does no waiting in poll(): reading is
 * done in fill(), decoding in poll(), a bounded piece at a time, so that the task's turn stays short.
 */
import type { Type } from '../../base/columnar/data-type.ts'
import type { FileStatus, FileSystem } from '../../base/filesystem/file-system.ts'
import type { RuntimeContext } from '../function/runtime-context.ts'
import type { SourceUnit } from '../function/source.ts'

/** A part of a file that one reader reads. `part` and `position` are the format's own plain data. */
export interface FileSplit<Part = unknown, Position = unknown> {
  /** Path and number: `in/a.csv#0`. */
  readonly id: string
  readonly path: string
  readonly sizeBytes: number
  readonly part: Part
  /** Where to go on; absent: at the beginning of the part. */
  readonly position?: Position
}

export interface FileFormat<T, Part = any, Position = any> {
  /** `CSV`: for plans and messages. */
  readonly name: string
  readonly type?: Type<T>
  /** The parts of one file, in the order in which they should be read. */
  plan(file: FileStatus, options: { readonly fileSystem: FileSystem; readonly splitBytes: number }): Promise<readonly Part[]>
  open(split: FileSplit<Part, Position>, ctx: RuntimeContext): SplitReader<T, Position>
}

export interface SplitReader<T, Position = unknown> {
  /** One unit, of at most `maxRows` where its position can stand between them; 'pending': call fill() first; 'again': some work was done, nothing came of it yet. */
  poll(maxRows: number): DecodedUnit<T> | 'pending' | 'again' | 'end'
  /** Reads what poll() needs next. */
  fill(): Promise<void>
  /** Right after the last record that poll() gave out; undefined: at the beginning of the part. */
  position(): Position | undefined
  close(): Promise<void>
}

export interface DecodedUnit<T> {
  readonly unit: SourceUnit<T>
  /** Names the first record: `in/a.csv line 12`. */
  readonly position: string
}
