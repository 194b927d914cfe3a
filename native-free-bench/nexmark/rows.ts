/**
 * Canonical rows: a JSON array without spaces, and the digest of a multiset of them.
 */
import { createHash } from 'node:crypto'

export const canonical = (columns: readonly (number | string | null)[]): string => JSON.stringify(columns)

/** SHA-256 over the rows sorted by their bytes (they are ASCII), each followed by a newline. */
export function digestOf(rows: readonly string[]): string {
  const hash = createHash('sha256')
  for (const row of rows.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))) hash.update(`${row}\n`)
  return hash.digest('hex')
}
