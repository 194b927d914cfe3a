/**
 * What esbuild says about a user's program, as a StreamError: file, line and column first, then the line itself with a
 * mark under the place, and a hint for the mistakes that people make most.
 */
import path from 'node:path'
import type { Message } from 'esbuild'
import { StreamError } from '../core/stream-error.ts'

/** `folder` is what esbuild's file names are relative to. */
export function bundleError(messages: readonly Message[], folder: string): StreamError {
  const first = messages[0]!
  const others = messages.length > 1 ? `\n(and ${messages.length - 1} more)` : ''
  const { location } = first
  if (location === null) return new StreamError('INVALID_PROGRAM', `${first.text}${others}`)
  const file = path.resolve(folder, location.file)
  const place = `${file}:${location.line}:${location.column + 1}`
  return new StreamError('INVALID_PROGRAM', `${place}: ${first.text}\n${codeFrame(location)}${others}`, {
    place: { file, line: location.line },
    ...hintFor(first),
  })
}

function codeFrame(location: NonNullable<Message['location']>): string {
  const gutter = `  ${location.line} | `
  const before = location.lineText.slice(0, location.column).replace(/[^\t]/g, ' ')
  return `${gutter}${location.lineText}\n${' '.repeat(gutter.length - 2)}| ${before}${'^'.repeat(Math.max(1, Math.min(location.length, location.lineText.length - location.column)))}`
}

function hintFor(message: Message): { readonly hint?: string } {
  const unresolved = /^Could not resolve "(.+)"$/.exec(message.text)?.[1]
  if (unresolved?.startsWith('.') || unresolved?.startsWith('/'))
    return { hint: `There is no such file. Paths of imports are relative to the file that imports them.` }
  if (unresolved !== undefined) return { hint: `Install it where the program is: npm install ${packageOf(unresolved)}` }
  if (/No loader is configured for "\.node" files/.test(message.text))
    return { hint: 'Native add-ons cannot travel with a job. Use a package that is written in JavaScript or WebAssembly.' }
  return {}
}

const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
