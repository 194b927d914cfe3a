/**
 * Text files, one record a line. The line end, LF or CRLF, is no part of the record.
 */
import type { FileFormat } from './file-format.ts'
import { type DecodedText, planText, type TextDecoder, type TextPart, type TextPosition } from './text-format.ts'
import { TextSplitReader } from './text-split-reader.ts'

/**
 * The format of plain text: each line is a record.
 *
 * ```ts
 * import { fileSource, getEnvironment, textLines } from 'headrace'
 *
 * const env = getEnvironment()
 * env.fromSource(fileSource({ path: 'log/', format: textLines() }), { name: 'log' }).filter((line) => line.includes('ERROR')).print()
 * await env.execute()
 * ```
 */
export function textLines(): FileFormat<string, TextPart, TextPosition> {
  return {
    name: 'text',
    plan: async (file, { splitBytes }) => planText(file, splitBytes),
    open: ({ path, part, position }, ctx) =>
      new TextSplitReader({ format: 'text', path, part, position, fileSystem: ctx.fileSystem, decoder: lines }),
  }
}

const lines: TextDecoder<string> = {
  decode(text): DecodedText<string> {
    const rows: string[] = []
    eachLine(text, (line) => void rows.push(line))
    return { unit: { kind: 'rows', rows }, consumed: text.length, lines: rows.length }
  },
}

/** Calls back with each line, without its end; text after the last line end is a line too. */
export function eachLine(text: string, take: (line: string) => void): void {
  let start = 0
  while (start < text.length) {
    let end = text.indexOf('\n', start)
    const next = end < 0 ? text.length : end + 1
    if (end < 0) end = text.length
    if (end > start && text.charCodeAt(end - 1) === 13) end--
    take(text.slice(start, end))
    start = next
  }
}
