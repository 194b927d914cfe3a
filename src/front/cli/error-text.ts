/**
 * An error as a person reads it: what happened, what to do, and where in the user's own files, frame by frame.
 */
import { StreamError } from '../../base/core/stream-error.ts'
import { foldFrames } from './fold-frames.ts'
import { UsageError } from './parse-options.ts'

export interface ErrorTextOptions {
  /** Keep frames of headrace and Node. */
  readonly verbose: boolean
  /** Prefix of paths and URLs of headrace's own files, whose frames are left out. */
  readonly ownFolder: string
}

export function errorText(thrown: unknown, options: ErrorTextOptions): string {
  if (thrown instanceof UsageError) return [`headrace: ${thrown.message}`, ...hintLines(thrown.hint)].join('\n')
  if (!(thrown instanceof StreamError)) {
    const message = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : `thrown: ${String(thrown)}`
    return [`headrace: ${message}`, ...frames(thrown, options)].join('\n')
  }
  const lines = [`headrace: ${thrown.message}`, ...hintLines(thrown.hint)]
  const place = placeText(thrown)
  if (place !== undefined) lines.push(`  at ${place}`)
  return [...lines, ...stackLines(thrown, options)].join('\n')
}

const hintLines = (hint: string | undefined): string[] => (hint === undefined ? [] : hint.split('\n').map((line) => `  ${line}`))

function placeText({ place, message }: StreamError): string | undefined {
  const parts = [
    place.operator === undefined || message.includes(place.operator) ? undefined : `operator ${place.operator}`,
    place.subtask === undefined ? undefined : `subtask ${place.subtask}`,
    place.record === undefined || message.includes(place.record) ? undefined : place.record,
  ].filter((part) => part !== undefined)
  return parts.length === 0 ? undefined : parts.join(', ')
}

/** The stack that helps: that of the innermost cause, which is what the user's code threw. */
function stackLines(error: StreamError, options: ErrorTextOptions): string[] {
  let innermost: unknown = error
  while (innermost instanceof Error && innermost.cause !== undefined) innermost = innermost.cause
  // A bug of ours is found by our own frames.
  const lines = frames(innermost, error.code === 'INTERNAL' ? { ...options, verbose: true } : options)
  if (innermost === error) return error.code === 'INTERNAL' || options.verbose ? lines : []
  const first = innermost instanceof Error ? `${innermost.name}: ${innermost.message}` : String(innermost)
  const told = innermost instanceof Error ? error.message.includes(innermost.message) : error.message.includes(first)
  return told ? lines : [`  caused by ${first}`, ...lines]
}

const foreign = /\(?node:|\(native\)|at async Promise\.all \(|\(<anonymous>\)|headrace-chain-/

/** What headrace is built on, which npm puts beside it. */
const dependencies = /\/node_modules\/(apache-arrow|cborg|esbuild|hyparquet|hyparquet-compressors|piscina)\//

function frames(thrown: unknown, { verbose, ownFolder }: ErrorTextOptions): string[] {
  const all = (thrown instanceof Error ? (thrown.stack ?? '') : '').split('\n').filter((line) => /^\s+at /.test(line))
  const users = all.filter((line) => !line.includes(ownFolder) && !foreign.test(line) && !dependencies.test(line))
  return foldFrames((verbose ? all : users).map((line) => line.trim())).map((line) => `    ${line}`)
}
