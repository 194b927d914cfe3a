/**
 * Rows that one call of a user function emitted after the output was full: a list in order, taken from its front, which
 * knows about how much memory it holds.
 */

import { formatMemorySize } from '../../base/core/memory-size.ts'
import { StreamError } from '../../base/core/stream-error.ts'

/** Every so many rows one is measured, and stands for those up to the next, unless it was a large one. */
const measureEvery = 16
const maxDepth = 4

export class Overdraft {
  readonly #maxBytes: number
  readonly #operator: string
  #rows: unknown[] = []
  #timestamps: number[] = []
  #at = 0
  #bytes = 0
  #bytesPerRow = 0
  #largestBytes = 0

  constructor(maxBytes: number, operator: string) {
    this.#maxBytes = maxBytes
    this.#operator = operator
  }

  get isEmpty(): boolean {
    return this.#at === this.#rows.length
  }

  get row(): unknown {
    return this.#rows[this.#at]
  }

  get timestamp(): number {
    return this.#timestamps[this.#at]!
  }

  /** Throws where rows wait and this one is more than the limit leaves. One row may be over it alone: records have a limit of their own. */
  push(row: unknown, timestamp: number): void {
    if (this.#rows.length % measureEvery === 0 || this.#bytesPerRow * measureEvery > this.#maxBytes) this.#measure(row)
    if (this.#bytes + this.#bytesPerRow > this.#maxBytes && (this.#bytesPerRow <= this.#maxBytes || this.#bytes > this.#maxBytes))
      throw this.#overflow()
    this.#bytes += this.#bytesPerRow
    this.#rows.push(row)
    this.#timestamps.push(timestamp)
  }

  #measure(row: unknown): void {
    this.#bytesPerRow = roughBytes(row, 0)
    this.#largestBytes = Math.max(this.#largestBytes, this.#bytesPerRow)
  }

  /** Drops the first row. */
  shift(): void {
    // Only when the last is gone does memory come back: draining takes a few batches.
    if (++this.#at < this.#rows.length) return
    this.#rows = []
    this.#timestamps = []
    this.#at = 0
    this.#bytes = 0
    this.#bytesPerRow = 0
    this.#largestBytes = 0
  }

  #overflow(): StreamError {
    const operator = this.#operator
    const place = { operator, option: 'execution.max-output-overdraft' }
    const limit = formatMemorySize(this.#maxBytes)
    if (this.#largestBytes > this.#maxBytes) {
      const size = formatMemorySize(this.#largestBytes)
      const message = `Operator '${operator}' emitted a record of about ${size} with other rows in one call, and execution.max-output-overdraft allows ${limit}`
      return new StreamError('RECORD_TOO_LARGE', message, { hint: 'Split the record, or raise execution.max-output-overdraft.', place })
    }
    return new StreamError(
      'OUTPUT_OVERFLOW',
      `Operator '${operator}' emitted more than ${limit} of rows in one call, ${this.#rows.length} of which wait for their consumers`,
      {
        hint: 'Emit fewer rows per call, or raise execution.max-output-overdraft.',
        place,
      },
    )
  }
}

/** What a value takes on the heap, roughly: enough to tell a megabyte from a gigabyte. */
function roughBytes(value: unknown, depth: number): number {
  if (typeof value === 'string') return 16 + value.length
  if (typeof value !== 'object' || value === null) return 8
  if (ArrayBuffer.isView(value)) return 64 + value.byteLength
  if (depth === maxDepth) return 64
  let bytes = 32
  for (const part of Array.isArray(value) ? value : Object.values(value)) bytes += 8 + roughBytes(part, depth + 1)
  return bytes
}
