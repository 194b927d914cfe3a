/**
 * Gathers the values of one CSV column, in a typed array as long as there is no null. A row may be set twice: a record
 * that turns out to be bad is overwritten by the next.
 */
import { Buffer } from 'node:buffer'
import type { SourceColumn } from '../function/source.ts'
import { type CsvColumn, isCanonicalNumber } from './csv-columns.ts'
import { type JsonShaper, jsonShaper } from './json-fields.ts'

type Numeric = 'float64' | 'int32' | 'int64' | 'timestamp' | 'boolean'

const numericKinds: ReadonlySet<string> = new Set<Numeric>(['float64', 'int32', 'int64', 'timestamp', 'boolean'])
const decimal = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/
const powersOfTen = Float64Array.from({ length: 16 }, (_, i) => 10 ** i)

export class ColumnBuilder {
  readonly name: string | null
  readonly kind: string
  readonly inferred: boolean
  readonly #column: CsvColumn
  readonly #nullTexts: ReadonlySet<string>
  readonly #isNumeric: boolean
  readonly #shaper: JsonShaper | undefined
  #numbers: Float64Array
  /** Set from the first null on, and always for what is no number. */
  #values: unknown[] | undefined

  constructor(column: CsvColumn, nullTexts: ReadonlySet<string>) {
    this.#column = column
    this.name = column.name
    this.kind = column.type.kind
    this.inferred = column.inferred
    this.#nullTexts = nullTexts
    this.#isNumeric = numericKinds.has(this.kind)
    this.#numbers = new Float64Array(this.#isNumeric ? 1_024 : 0)
    this.#values = this.#isNumeric ? undefined : []
    this.#shaper =
      this.kind === 'struct' || this.kind === 'list' || this.kind === 'bigint' || this.kind === 'date'
        ? jsonShaper({ dataType: column.type, nullable: false })
        : undefined
  }

  /** Takes the unquoted text from `start` to `end`; false: it does not fit. */
  add(row: number, text: string, start: number, end: number): boolean {
    if (this.name === null) return true
    if (start === end || (this.#nullTexts.size > 0 && this.#nullTexts.has(text.slice(start, end)))) return this.#setNull(row)
    if (!this.#isNumeric) return this.#setOther(row, text.slice(start, end))
    const number =
      this.kind === 'float64' || this.kind === 'int32' || this.kind === 'int64' ? fastNumber(text, start, end, this.inferred) : Number.NaN
    return number === number ? this.#setNumber(row, number) : this.#setSlowly(row, text.slice(start, end))
  }

  addQuoted(row: number, text: string): boolean {
    if (this.name === null) return true
    if (this.kind === 'utf8' || this.kind === 'any') return this.#setOther(row, text)
    return this.add(row, text, 0, text.length)
  }

  finish(rowCount: number): SourceColumn {
    const name = this.name as string
    if (this.#values !== undefined) {
      this.#values.length = rowCount
      const kind = this.#isNumeric || this.kind === 'utf8' ? (this.kind as Numeric | 'utf8') : undefined
      return { name, values: this.#values, kind }
    }
    const numbers = this.#numbers.subarray(0, rowCount)
    if (this.kind === 'int32') return { name, values: Int32Array.from(numbers), kind: 'int32' }
    if (this.kind === 'boolean') return { name, values: Uint8Array.from(numbers), kind: 'boolean' }
    return { name, values: numbers, kind: this.kind as Numeric }
  }

  #setNull(row: number): boolean {
    if (!this.#column.nullable) return this.kind === 'utf8' && this.#setOther(row, '')
    if (this.#values === undefined) {
      const numbers = this.#numbers.subarray(0, row)
      this.#values = this.kind === 'boolean' ? Array.from(numbers, (number) => number === 1) : Array.from(numbers)
    }
    this.#values[row] = null
    return true
  }

  #setNumber(row: number, number: number): boolean {
    if (this.kind === 'int32' && number !== (number | 0)) return false
    if (this.kind === 'int64' && !Number.isSafeInteger(number)) return false
    if (this.#values !== undefined) this.#values[row] = this.kind === 'boolean' ? number === 1 : number
    else {
      if (row === this.#numbers.length) {
        const grown = new Float64Array(2 * row)
        grown.set(this.#numbers)
        this.#numbers = grown
      }
      this.#numbers[row] = number
    }
    return true
  }

  /** What fastNumber leaves: exponents, many digits, spaces, booleans, times. */
  #setSlowly(row: number, untrimmed: string): boolean {
    const text = untrimmed.trim()
    if (this.kind === 'boolean') return text === 'true' || text === 'false' ? this.#setNumber(row, text === 'true' ? 1 : 0) : false
    if (this.inferred) return isCanonicalNumber(text) && this.#setNumber(row, Number(text))
    if (decimal.test(text)) return this.#setNumber(row, Number(text))
    if (this.kind === 'float64') return /^(NaN|[+-]?Infinity)$/.test(text) && this.#setNumber(row, Number(text))
    const time = this.kind === 'timestamp' ? Date.parse(text) : Number.NaN
    return !Number.isNaN(time) && this.#setNumber(row, time)
  }

  #setOther(row: number, text: string): boolean {
    const values = this.#values as unknown[]
    if (this.kind === 'utf8' || this.kind === 'any') values[row] = text
    else if (this.kind === 'binary') values[row] = new Uint8Array(Buffer.from(text, 'base64'))
    else if (this.#shaper === undefined) return false
    else {
      try {
        const nested = this.kind === 'struct' || this.kind === 'list'
        values[row] = this.#shaper.shape(
          nested ? JSON.parse(text, this.#shaper.reviver) : decimal.test(text) && this.kind === 'date' ? Number(text) : text,
        )
      } catch {
        return false
      }
    }
    return true
  }
}

/**
 * A number of up to 15 digits, exactly: its digits are one whole number below 2^53, divided by a power of ten that is
 * exact too, so that the quotient is the nearest double. NaN: not of this form.
 */
function fastNumber(text: string, start: number, end: number, noLeadingZero: boolean): number {
  const negative = text.charCodeAt(start) === 45
  let at = negative ? start + 1 : start
  if (at === end || end - at > 16) return Number.NaN
  if (noLeadingZero && text.charCodeAt(at) === 48 && at + 1 < end && text.charCodeAt(at + 1) !== 46) return Number.NaN
  let mantissa = 0
  let digits = 0
  let point = -1
  for (; at < end; at++) {
    const digit = text.charCodeAt(at) - 48
    if (digit >= 0 && digit <= 9) {
      mantissa = mantissa * 10 + digit
      digits++
    } else if (digit === -2 && point < 0) point = digits
    else return Number.NaN
  }
  if (digits === 0 || digits > 15) return Number.NaN
  const value = point < 0 ? mantissa : mantissa / (powersOfTen[digits - point] as number)
  return negative ? -value : value
}
