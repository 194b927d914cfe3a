/**
 * The command line that goes on from a snapshot: the one that was given, with another --from.
 */
import type { ParsedOptions } from './parse-options.ts'

/** With --checkpoints the snapshot is the latest there, and need not be named. */
export function commandFrom({ options, operands, rest }: ParsedOptions, path: string): string {
  const words = ['headrace', 'run', ...operands]
  for (const [name, values] of options) {
    if (name === '--from') continue
    for (const value of values) words.push(name === '--define' ? '-D' : name, ...(value === '' ? [] : [value]))
  }
  words.push('--from', options.has('--checkpoints') ? 'latest' : path)
  if (rest.length > 0) words.push('--', ...rest)
  return words.map(quoted).join(' ')
}

const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)
