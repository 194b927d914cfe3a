/**
 * The user functions of random programs, by what the spec says of them. Engine and reference call the same ones: what is
 * tried is what the engine does around them. None depends on the order of its calls, and none changes a row.
 */
import { fieldOf, type KeyBy, type StepSpec } from './program-spec.ts'

type Step<Op extends StepSpec['op']> = Extract<StepSpec, { op: Op }>

/** A value of any field as a whole number, for rests. */
export function wholeOf(value: unknown): number {
  if (typeof value === 'number') return Number.isFinite(value) ? Math.abs(Math.trunc(value)) : 7
  return String(value).length
}

export function mapOf({ what, field }: Step<'map'>): (row: any) => any {
  switch (what) {
    case 'add':
      return (row) => ({ ...row, plus: fieldOf(row, field) * 2 + 1 })
    case 'narrow':
      return (row) => ({
        [field]: row[field],
        odd: wholeOf(row[field]) % 2 === 1,
        maybe: wholeOf(row[field]) % 3 === 0 ? null : wholeOf(row[field]) % 10,
      })
    case 'wrap':
      return (row) => ({ [field]: row[field], whole: { inner: row } })
    case 'declared':
      return (row) => ({
        [field]: row[field],
        half: row[field] / 2,
        name: `n${wholeOf(row[field]) % 6}`,
        none: wholeOf(row[field]) % 5 === 0 ? null : row[field],
      })
    case 'value':
      return (row) => fieldOf(row, field)
    case 'text':
      return (row) => `${wholeOf(fieldOf(row, field)) % 40}`
  }
}

export const filterOf =
  ({ field, mod }: Pick<Step<'filter'>, 'field' | 'mod'>) =>
  (row: any): boolean =>
    wholeOf(fieldOf(row, field)) % mod !== 0

/** How often flatMap repeats a row: 0, 1 or 2 times, now and then a burst. */
export function copiesOf({ field, mod, burst }: Step<'flatMap'>, row: any): any[] {
  const whole = wholeOf(fieldOf(row, field))
  const count = burst > 0 && whole % 100 === 13 ? burst : whole % mod
  return Array.from({ length: count }, (_, copy) => (field === '' ? row : { ...row, copy: copy === 0 ? null : copy }))
}

export function keyOf(key: KeyBy): (row: any) => unknown {
  switch (key.by) {
    case 'field':
      return (row) => row[key.field]
    case 'fields':
      return (row) => Object.fromEntries(key.fields.map((field) => [field, row[field]]))
    case 'function': {
      const value = (row: any) => fieldOf(row, key.field)
      switch (key.how) {
        case 'value':
          return value
        case 'rest':
          return (row) => wholeOf(value(row)) % 7
        case 'text':
          return (row) => `key ${wholeOf(value(row)) % 4}`
        case 'object':
          return (row) => ({ rest: wholeOf(value(row)) % 3, not: null })
      }
    }
  }
}

/** The key as result rows hold it. */
export function keyFields(key: KeyBy | null, value: any): Record<string, unknown> {
  if (key === null) return {}
  if (key.by === 'field') return { [key.field]: value }
  return key.by === 'fields' ? value : { key: value }
}

export const coMapOf = (side: 0 | 1, field: string) => (row: any) => ({
  from: side,
  pivot: fieldOf(row, field),
  whole: side === 0 ? null : row,
})

export const joinKeyOf = (field: string, mod: number) => (row: any) => wholeOf(fieldOf(row, field)) % mod

export const joined = (left: any, right: any, fields: readonly [string, string]) => ({
  left: fieldOf(left, fields[0]),
  right: fieldOf(right, fields[1]),
})

/** Of two rows of a window: an associative and commutative reduction. */
export const reduceOf =
  (field: string) =>
  (a: any, b: any): any => ({
    [field]: Math.min(a[field], b[field]),
    rows: (a.rows ?? 1) + (b.rows ?? 1),
    high: Math.max(a.high ?? a[field], b.high ?? b[field]),
  })

/** Of a rolling reduction, where order is known: it shows. */
export const rollingReduceOf =
  (field: string) =>
  (a: any, b: any): any => ({ ...b, before: fieldOf(a, field), length: (a.length ?? 1) + 1 })

export const bucketEnd = (timestamp: number, size: number): number => (Math.floor(timestamp / size) + 1) * size - 1

/** The gap that a row asks of a session. */
export const gapOf = (row: any, field: string): number => (Math.abs(row[field]) % 20) + 1

/** Ranks for lists, whatever they hold. */
export const sorted = (values: readonly unknown[]): unknown[] => [...values].sort((a: any, b: any) => (a < b ? -1 : a > b ? 1 : 0))
