/**
 * Rows as texts that are equal exactly if the rows are, as headrace defines it: a field that is null, undefined or missing is
 * one and the same, -0 is 0, NaN is NaN, the order of fields does not matter.
 */
export function canonical(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  if (typeof value === 'number')
    return Number.isNaN(value) ? 'NaN' : value === Number.POSITIVE_INFINITY ? 'Infinity' : JSON.stringify(value === 0 ? 0 : value)
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value !== 'object') return JSON.stringify(value)
  if (value instanceof Date) return `Date ${value.getTime()}`
  if (Array.isArray(value)) return `[${value.map(canonical).join(', ')}]`
  const fields = Object.entries(value).filter(([, field]) => field !== null && field !== undefined)
  return `{${fields
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, field]) => `${JSON.stringify(name)}: ${canonical(field)}`)
    .join(', ')}}`
}

/** Rows as a multiset. */
export const multiset = (rows: readonly unknown[]): string[] => rows.map(canonical).sort()
