/**
 * What the text formats have in common: parts of a file that begin and end at lines, and the error for a line that
 * cannot be read. How text becomes records is the matter of a TextDecoder.
 */
import { StreamError } from '../../base/core/stream-error.ts'
import type { FileStatus } from '../../base/filesystem/file-system.ts'
import { type Compression, compressionOf } from './byte-stream.ts'
import type { RowsOrColumns } from './source-unit.ts'

/** Bytes `start` to `end` of a file: a line belongs to the part in which it starts. */
export interface TextPart {
  readonly start: number
  /** null: to the end of the file, whatever its size then is. */
  readonly end: number | null
  readonly compression: Compression
}

/** The record after `skip` records of the piece of text that begins at `offset` (decompressed bytes). */
export interface TextPosition {
  readonly offset: number
  readonly skip: number
  /** Number of the line at `offset`, from 1; null where it is not known. */
  readonly line: number | null
}

export interface DecodedText<T> {
  readonly unit: RowsOrColumns<T>
  /** Characters taken; the rest is the beginning of a record that needs more text. */
  readonly consumed: number
  /** Line ends among them. */
  readonly lines: number
}

export interface TextDecoder<T> {
  /** Takes whole records from the front of `text`, which begins at a record; `final`: there is no more text. */
  decode(text: string, final: boolean): DecodedText<T>
}

/** What is done with a record that cannot be read. */
export type MalformedPolicy = 'fail' | 'skip'

/** Counts the records that `onMalformed: 'skip'` left out. */
export const malformedCounter = 'malformedRecordsSkipped'

/** Thrown by a TextDecoder: the line is counted from the beginning of its text, from 0. */
export class MalformedText extends Error {
  readonly line: number
  readonly excerpt: string
  readonly hint: string

  constructor(message: string, line: number, excerpt: string, hint: string) {
    super(message)
    this.name = 'MalformedText'
    this.line = line
    this.excerpt = excerpt.length > 80 ? `${excerpt.slice(0, 80)}...` : excerpt
    this.hint = hint
  }

  /** `line`: that of the beginning of the text, from 1. */
  toStreamError(format: string, path: string, line: number): StreamError {
    const at = line + this.line
    return new StreamError(
      'MALFORMED_INPUT',
      `cannot read ${path} line ${at} as ${format}: ${this.message}: ${JSON.stringify(this.excerpt)}`,
      {
        hint: this.hint,
        place: { file: path, line: at },
      },
    )
  }
}

/** Cuts a file into parts of about `splitBytes`, a compressed one not at all. */
export function planText(file: FileStatus, splitBytes: number): TextPart[] {
  const compression = compressionOf(file.path)
  if (compression !== 'none') return [{ start: 0, end: null, compression }]
  const count = Math.max(1, Math.ceil(file.sizeBytes / splitBytes))
  const size = Math.ceil(file.sizeBytes / count)
  return Array.from({ length: count }, (_, i) => ({ start: i * size, end: i === count - 1 ? null : (i + 1) * size, compression }))
}
