/**
 * Writes selected rows of columns of fixed width into segments, with one loop made for these very arrays. V8 takes typed
 * arrays that a closure holds for ever as constants: no look at what they are, where their memory is and how long they are
 * is left in the loop, which the common loops of write-fixed.ts pay for each value. What is written is the same.
 */
import { align8, blockHeaderBytes, type ColumnSource, type SegmentViews } from './column-block.ts'

/** Writes rows `first` to `last` of a frame of `count` rows: those at rows[from + first] and so on. */
type Gather = (from: number, first: number, last: number, count: number, byteOffset: number) => void

export interface FixedColumns {
  readonly columns: readonly ColumnSource[]
  /** Written ahead of the columns, without a header. */
  readonly timestamps: Float64Array | undefined
  /** The rows are rows[from] to rows[from + count - 1]. */
  readonly rows: Int32Array
}

/** A loop compiled while it runs leaves at an exit it has never seen, again and again: young loops are kept short. */
const youngCalls = 400
const youngRows = 64

let compiled = 0

export class FixedWriter {
  readonly #from: FixedColumns
  readonly #target: SegmentViews
  readonly #gather: Gather
  #calls = 0

  /** Only where `canWriteFixed` says so. */
  constructor(from: FixedColumns, target: SegmentViews) {
    this.#from = from
    this.#target = target
    this.#gather = compileGather(from, target)
  }

  /** Whether these are the arrays that the loop was made for. */
  isFor({ columns, timestamps, rows }: FixedColumns): boolean {
    const own = this.#from
    if (own.timestamps !== timestamps || own.rows !== rows || own.columns.length !== columns.length) return false
    for (let c = 0; c < columns.length; c++) {
      if (columns[c]!.values !== own.columns[c]!.values || columns[c]!.type.kind !== own.columns[c]!.type.kind) return false
    }
    return true
  }

  /** What writeColumn writes, timestamps first; answers the offset behind it, or -1 if that would pass `limit`. */
  write(from: number, count: number, byteOffset: number, limit: number): number {
    const end = this.#writeHeaders(count, byteOffset, limit)
    if (end < 0) return -1
    if (this.#calls > youngCalls) this.#gather(from, 0, count, count, byteOffset)
    else {
      for (let first = 0; first < count; first += youngRows) {
        this.#calls++
        this.#gather(from, first, Math.min(first + youngRows, count), count, byteOffset)
      }
    }
    return end
  }

  #writeHeaders(count: number, byteOffset: number, limit: number): number {
    const { columns, timestamps } = this.#from
    const { i32 } = this.#target
    let at = byteOffset + (timestamps === undefined ? 0 : count * 8)
    for (let c = 0; c < columns.length; c++) {
      const bytes = blockHeaderBytes + (columns[c]!.type.kind === 'int32' ? align8(count * 4) : count * 8)
      if (at + bytes > limit) return -1
      const header = at >> 2
      i32[header] = count
      i32[header + 1] = 0
      i32[header + 2] = 0
      i32[header + 3] = bytes
      at += bytes
    }
    return at
  }
}

/** Columns of 4 or 8 bytes without a null among their rows. */
export function canWriteFixed(columns: readonly ColumnSource[]): boolean {
  for (const { type, nulls } of columns) {
    if (nulls !== null) return false
    if (type.kind !== 'int32' && type.kind !== 'float64' && type.kind !== 'int64' && type.kind !== 'timestamp' && type.kind !== 'date')
      return false
  }
  return true
}

function compileGather({ columns, timestamps, rows }: FixedColumns, { i32, f64 }: SegmentViews): Gather {
  const places = timestamps === undefined ? ['let at = byteOffset'] : ['let at = byteOffset', 'const wt = at >> 3', 'at += count * 8']
  const stores = timestamps === undefined ? [] : ['F[wt + i] = T[row]']
  columns.forEach(({ type }, c) => {
    places.push(`at += ${blockHeaderBytes}`)
    if (type.kind === 'int32') {
      places.push(`const w${c} = at >> 2`, 'at += (count * 4 + 7) & ~7')
      stores.push(`I[w${c} + i] = V${c}[row]`)
    } else {
      places.push(`const w${c} = at >> ${type.kind === 'float64' ? 3 : 2}`, 'at += count * 8')
      stores.push(
        type.kind === 'float64'
          ? `F[w${c} + i] = V${c}[row]`
          : `const v${c} = V${c}[row]; I[w${c} + 2 * i] = v${c} | 0; I[w${c} + 2 * i + 1] = Math.floor(v${c} * ${2 ** -32})`,
      )
    }
  })
  const text = `/* headrace gather ${compiled}: ${columns.map(({ type }) => type.kind).join(', ')} */ 'use strict'
const R = from.rows, T = from.timestamps, I = i32, F = f64
${columns.map((_, c) => `const V${c} = from.columns[${c}].values`).join('\n')}
return function gather(from, first, last, count, byteOffset) {
${places.join('\n')}
for (let i = first; i < last; i++) {
  const row = R[from + i]
  ${stores.join('\n  ')}
}
}
//# sourceURL=headrace-gather-${compiled++}.js`
  return new Function('from', 'i32', 'f64', text)({ columns, timestamps, rows }, i32, f64) as Gather
}
