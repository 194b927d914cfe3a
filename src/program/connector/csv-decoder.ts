/**
 * CSV text into columns, in one pass over the characters. A record that does not end in the text is left for the next
 * call; a record that cannot be read is counted and left out, or fails with its line.
 */
import type { RuntimeContext } from '../function/runtime-context.ts'
import { ColumnBuilder } from './csv-column-builder.ts'
import type { CsvColumn } from './csv-columns.ts'
import { type DecodedText, MalformedText, malformedCounter, type TextDecoder } from './text-format.ts'

export interface CsvDecoderOptions {
  readonly columns: readonly CsvColumn[]
  readonly delimiter: string
  readonly multiline: boolean
  readonly skipHeader: boolean
  readonly nullTexts: readonly string[]
  /** Records that cannot be read are counted and left out. */
  readonly skips: boolean
  readonly ctx: RuntimeContext
}

const quote = 34
const carriageReturn = 13
const lineFeed = 10

const hint =
  "Correct the file, declare the type with csv({ type: t.row({ ... }) }), or leave such records out: csv({ onMalformed: 'skip' }) counts them."

/** Thrown within the decoder, where the record's line is not known. */
class BadRecord extends Error {
  readonly hint: string
  constructor(message: string, advice = hint) {
    super(message)
    this.name = 'BadRecord'
    this.hint = advice
  }
}

/** The record goes on after the end of the text. */
const unfinished = -1

export class CsvDecoder<T> implements TextDecoder<T> {
  readonly #options: CsvDecoderOptions
  readonly #delimiter: number
  #skipHeader: boolean
  #builders: readonly ColumnBuilder[] = []
  #text = ''
  #final = false

  constructor(options: CsvDecoderOptions) {
    this.#options = options
    this.#delimiter = options.delimiter.charCodeAt(0)
    this.#skipHeader = options.skipHeader
  }

  decode(text: string, final: boolean): DecodedText<T> {
    const nullTexts = new Set(this.#options.nullTexts)
    this.#builders = this.#options.columns.map((column) => new ColumnBuilder(column, nullTexts))
    this.#text = text
    this.#final = final
    let [at, row, lines] = [0, 0, 0]
    while (at < text.length) {
      const next = this.#record(at, row, lines)
      if (next === unfinished) break
      if (next > 0) row++
      const end = Math.abs(next)
      lines += lineEnds(text, at, end)
      at = end
    }
    const columns = this.#builders.filter((builder) => builder.name !== null).map((builder) => builder.finish(row))
    return { unit: { kind: 'columns', rowCount: row, columns }, consumed: at, lines }
  }

  /** Where the next record begins, negative if this one gave no row. */
  #record(start: number, row: number, lines: number): number {
    const text = this.#text
    const isBlank =
      text.charCodeAt(start) === lineFeed || (text.charCodeAt(start) === carriageReturn && text.charCodeAt(start + 1) === lineFeed)
    if (this.#skipHeader) {
      const end = this.#skipRecord(start)
      if (end !== unfinished) this.#skipHeader = false
      return end === unfinished ? unfinished : -end
    }
    if (isBlank && this.#builders.length !== 1) return -(text.indexOf('\n', start) + 1)
    try {
      return this.#fields(start, row)
    } catch (error) {
      if (!(error instanceof BadRecord)) throw error
      const end = this.#skipRecord(start)
      if (!this.#options.skips)
        throw new MalformedText(error.message, lines, text.slice(start, end === unfinished ? undefined : end).trimEnd(), error.hint)
      this.#options.ctx.addToCounter(malformedCounter, 1)
      return -(end === unfinished ? text.length : end)
    }
  }

  #fields(start: number, row: number): number {
    const text = this.#text
    const builders = this.#builders
    const delimiter = this.#delimiter
    let at = start
    for (let column = 0; ; column++) {
      const builder = builders[column]
      let end: number
      if (text.charCodeAt(at) === quote) {
        const closing = this.#closingQuote(at)
        if (closing === unfinished) return unfinished
        const value = text.slice(at + 1, closing)
        if (builder !== undefined)
          this.#check(builder.addQuoted(row, value.includes('"') ? value.replaceAll('""', '"') : value), builder, value)
        end = closing + 1
      } else {
        end = at
        for (let code = text.charCodeAt(end); end < text.length && code !== delimiter && code !== lineFeed; code = text.charCodeAt(++end));
        if (end === text.length && !this.#final) return unfinished
        const valueEnd = end > at && text.charCodeAt(end) !== delimiter && text.charCodeAt(end - 1) === carriageReturn ? end - 1 : end
        if (builder !== undefined && !builder.add(row, text, at, valueEnd)) this.#check(false, builder, text.slice(at, valueEnd))
      }
      if (text.charCodeAt(end) === carriageReturn && (end + 1 === text.length || text.charCodeAt(end + 1) === lineFeed)) end++
      const code = text.charCodeAt(end)
      if (code === delimiter && end < text.length) at = end + 1
      else if (code === lineFeed || end >= text.length) {
        if (column + 1 !== builders.length) throw new BadRecord(`the record has ${column + 1} fields, the file ${builders.length} columns`)
        return Math.min(end + 1, text.length)
      } else throw new BadRecord(`text follows the closing quote of ${nameOf(builder, column)}`)
    }
  }

  /** Index of the quote that closes the field whose opening quote stands at `open`. */
  #closingQuote(open: number): number {
    const text = this.#text
    for (let at = open + 1; ; at += 2) {
      at = text.indexOf('"', at)
      const closing = at < 0 ? text.length : at
      if (!this.#options.multiline && text.slice(open, closing).includes('\n')) {
        throw new BadRecord(
          'a quoted field goes over a line end',
          'Correct the quotes, or set csv({ multiline: true }) if fields hold line ends.',
        )
      }
      if (at < 0) {
        if (this.#final) throw new BadRecord('a quote is never closed')
        return unfinished
      }
      // At the very end of the text it may be the first of a doubled quote.
      if (at + 1 === text.length && !this.#final) return unfinished
      if (text.charCodeAt(at + 1) !== quote) return at
    }
  }

  /** Where the record after the one at `start` begins; one whose quotes make no sense ends with its line. */
  #skipRecord(start: number): number {
    const text = this.#text
    const lineEnd = text.indexOf('\n', start)
    if (lineEnd < 0) return this.#final ? text.length : unfinished
    let inQuotes = false
    for (let at = start; at < text.length; at++) {
      const code = text.charCodeAt(at)
      if (code === quote) inQuotes = !inQuotes
      else if (code === lineFeed && (!inQuotes || !this.#options.multiline)) return at + 1
    }
    return this.#final ? lineEnd + 1 : unfinished
  }

  #check(ok: boolean, builder: ColumnBuilder, value: string): void {
    if (ok) return
    const shown = value.length > 40 ? `${value.slice(0, 40)}...` : value
    const what =
      shown === ''
        ? `is empty, but its type ${builder.kind} allows no null`
        : `is ${JSON.stringify(shown)}, not of its type ${builder.kind}`
    throw new BadRecord(`column '${builder.name}' ${what}${builder.inferred ? ', which was found from the first records' : ''}`)
  }
}

const nameOf = (builder: ColumnBuilder | undefined, column: number) =>
  builder?.name == null ? `field ${column + 1}` : `column '${builder.name}'`

function lineEnds(text: string, from: number, until: number): number {
  let count = 0
  for (let at = text.indexOf('\n', from); at >= 0 && at < until; at = text.indexOf('\n', at + 1)) count++
  return count
}
