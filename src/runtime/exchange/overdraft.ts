/**
 * Rows that one call of a user function emitted after the output was full: a list in order, taken from its front, which
 * knows about how much memory it holds.
 */

import { formatMemorySize } from '../../base/core/memory-size.ts'
import { StreamError } from '../../base/core/stream-error.ts'

/** Every so many rows one is measured, and stands for those up to the next. */
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

  push(row: unknown, timestamp: number): void {
    if (this.#rows.length % measureEvery === 0) this.#bytesPerRow = roughBytes(row, 0)
    this.#bytes += this.#bytesPerRow
    if (this.#bytes > this.#maxBytes) throw this.#overflow()
    this.#rows.push(row)
    this.#timestamps.push(timestamp)
  }

  /** Drops the first row. */
  shift(): void {
    // Only when the last is gone does memory come back: draining takes a few batches.
    if (++this.#at < this.#rows.length) return
    this.#rows = []
    this.#timestamps = []
    this.#at = 0
    this.#bytes = 0
  }

  #overflow(): StreamError {
    const operator = this.#operator
    return new StreamError(
      'OUTPUT_OVERFLOW',
      `Operator '${operator}' emitted more than ${formatMemorySize(this.#maxBytes)} of rows in one call, ${this.#rows.length} of which wait for their consumers`,
      {
        hint: 'Emit fewer rows per call, or raise execution.max-output-overdraft.',
        place: { operator, option: 'execution.max-output-overdraft' },
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
