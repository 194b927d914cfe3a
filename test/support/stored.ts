/**
 * Plain data as a column of a snapshot gives it back: what one row has and another has not is null there, and so is undefined.
 */
type Plain = Record<string, unknown>

const isPlain = (value: unknown): value is Plain =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
const isMissing = (value: unknown): boolean => value === undefined || value === null

/** The values after they were written as one column and read again. Fails on what is no plain data. */
export function stored<T>(column: readonly T[]): T[] {
  return unified(structuredClone(column)) as T[]
}

function unified(column: readonly unknown[]): unknown[] {
  const present = column.filter((value) => !isMissing(value))
  if (present.length > 0 && present.every(isPlain)) return structs(column as readonly (Plain | null | undefined)[])
  if (present.length > 0 && present.every(Array.isArray)) return lists(column as readonly (unknown[] | null | undefined)[])
  const strange = present.find(
    (value) => typeof value === 'function' || (typeof value === 'object' && !isPlain(value) && !Array.isArray(value)),
  )
  if (strange !== undefined) throw new TypeError(`a snapshot holds ${String(strange)}, which is no plain data`)
  return column.map((value) => (isMissing(value) ? null : isPlain(value) || Array.isArray(value) ? unified([value])[0] : value))
}

function structs(column: readonly (Plain | null | undefined)[]): unknown[] {
  const rows: (Plain | null)[] = column.map((row) => (isMissing(row) ? null : {}))
  // Fields come back in the column's order, not in the row's.
  for (const name of [...new Set(column.flatMap((row) => Object.keys(row ?? {})))].sort()) {
    const values = unified(column.map((row) => row?.[name]))
    for (const [i, row] of rows.entries()) if (row !== null) row[name] = values[i]
  }
  return rows
}

function lists(column: readonly (unknown[] | null | undefined)[]): unknown[] {
  const items = unified(column.flatMap((list) => list ?? []))
  let next = 0
  return column.map((list) => (isMissing(list) ? null : items.slice(next, (next += list!.length))))
}
