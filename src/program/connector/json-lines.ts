/**
 * Files of JSON lines: one JSON value a line, empty lines skipped. With a declared type, text becomes what the type
 * says where JSON has no such thing (see json-fields.ts).
 */
import type { Type } from '../../base/columnar/data-type.ts'
import { checkOneOf, checkOptionNames } from '../../base/core/check-options.ts'
import type { RuntimeContext } from '../function/runtime-context.ts'
import type { FileFormat } from './file-format.ts'
import { type JsonShaper, jsonShaper } from './json-fields.ts'
import {
  type DecodedText,
  type MalformedPolicy,
  MalformedText,
  malformedCounter,
  planText,
  type TextDecoder,
  type TextPart,
  type TextPosition,
} from './text-format.ts'
import { eachLine } from './text-lines.ts'
import { TextSplitReader } from './text-split-reader.ts'

export interface JsonLinesOptions<T> {
  /** The declared type of a record: checked, and text is turned into dates, timestamps, bigints and bytes where it says so. */
  readonly type?: Type<T>
  /** What is done with a line that is no JSON or not of the type: 'fail' (default), or 'skip', which counts it. */
  readonly onMalformed?: MalformedPolicy
}

/**
 * The format of JSON lines (NDJSON): each line is one JSON value.
 *
 * ```ts
 * import { fileSource, getEnvironment, jsonLines } from 'headrace'
 *
 * const env = getEnvironment()
 * const events = fileSource({ path: 'events.jsonl', format: jsonLines<{ user: string; clicks: number }>({ onMalformed: 'skip' }) })
 * env.fromSource(events, { name: 'events' }).print()
 * await env.execute()
 * ```
 */
export function jsonLines<T = unknown>(options: JsonLinesOptions<T> = {}): FileFormat<T, TextPart, TextPosition> {
  checkOptionNames('jsonLines()', options, ['type', 'onMalformed'])
  checkOneOf('jsonLines()', 'onMalformed', options.onMalformed, ['fail', 'skip'])
  return {
    name: 'JSON lines',
    type: options.type,
    plan: async (file, { splitBytes }) => planText(file, splitBytes),
    open: ({ path, part, position }, ctx) =>
      new TextSplitReader({ format: 'JSON', path, part, position, fileSystem: ctx.fileSystem, decoder: new JsonDecoder<T>(options, ctx) }),
  }
}

class JsonDecoder<T> implements TextDecoder<T> {
  readonly #skips: boolean
  readonly #ctx: RuntimeContext
  readonly #shaper: JsonShaper | undefined

  constructor(options: JsonLinesOptions<T>, ctx: RuntimeContext) {
    this.#skips = options.onMalformed === 'skip'
    this.#ctx = ctx
    this.#shaper = options.type === undefined ? undefined : jsonShaper(options.type)
  }

  decode(text: string): DecodedText<T> {
    const rows: T[] = []
    let lines = 0
    eachLine(text, (line) => {
      lines++
      if (line === '' || line.trim() === '') return
      try {
        rows.push(this.#parse(line))
      } catch (error) {
        if (!this.#skips) throw malformed(error as Error, lines - 1, line)
        this.#ctx.addToCounter(malformedCounter, 1)
      }
    })
    return { unit: { kind: 'rows', rows }, consumed: text.length, lines }
  }

  #parse(line: string): T {
    const shaper = this.#shaper
    if (shaper === undefined) return JSON.parse(line)
    return shaper.shape(shaper.reviver === undefined ? JSON.parse(line) : JSON.parse(line, shaper.reviver)) as T
  }
}

function malformed(error: Error, line: number, text: string): MalformedText {
  const message = error instanceof SyntaxError ? 'no valid JSON' : error.message
  return new MalformedText(
    message,
    line,
    text,
    "Correct the line, or leave such lines out: jsonLines({ onMalformed: 'skip' }) counts them.",
  )
}
