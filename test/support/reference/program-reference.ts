/**
 * What a random program gives, by definition: every stream as the list of all its rows, step by step, without time,
 * parallelism or batches. Where a stream's order is known to be the same in every run (one subtask after another from one source),
 * the list has that order; else it is any.
 */
import { fieldOf, type KeyBy, type ProgramSpec, type SourceSpec, type StepSpec, type WindowsSpec } from '../random/program-spec.ts'
import {
  bucketEnd,
  coMapOf,
  copiesOf,
  filterOf,
  gapOf,
  joined,
  joinKeyOf,
  keyFields,
  keyOf,
  mapOf,
  reduceOf,
  rollingReduceOf,
  sorted,
} from '../random/row-functions.ts'
import { rowOf } from '../random/source-rows.ts'
import { canonical } from './canonical.ts'
import { type Element, type ReferenceWindows, referenceWindows } from './window-reference.ts'

type Step<Op extends StepSpec['op']> = Extract<StepSpec, { op: Op }>
type Rows = readonly Element<any>[]

/** All streams of a program. */
export function referenceStreams(spec: ProgramSpec): Rows[] {
  const streams: Rows[] = []
  for (const step of spec.streams) {
    const rows = step.op === 'source' ? sourceRows(step) : referenceStep(streams, step, spec)
    refuseLarge(rows.length)
    streams.push(rows)
  }
  return streams
}

function sourceRows(source: SourceSpec): Rows {
  return Array.from({ length: source.rows }, (_, i) => {
    const row = rowOf(source, i)
    return { row, timestamp: source.time === 'none' ? Number.NaN : row.ts }
  })
}

const each = (rows: Rows, fn: (row: any) => readonly any[]): Rows =>
  rows.flatMap(({ row, timestamp }) => fn(row).map((made) => ({ row: made, timestamp })))

function referenceStep(streams: readonly Rows[], step: StepSpec, spec: ProgramSpec): Rows {
  switch (step.op) {
    case 'map': {
      const fn = mapOf(step)
      return each(streams[step.in]!, (row) => [fn(row)])
    }
    case 'filter': {
      const fn = filterOf(step)
      return each(streams[step.in]!, (row) => (fn(row) ? [row] : []))
    }
    case 'flatMap':
      return each(streams[step.in]!, (row) => copiesOf(step, row))
    case 'split': {
      const stays = filterOf(step)
      return each(streams[step.in]!, (row) => (stays(row) ? [row] : []))
    }
    case 'side': {
      const split = spec.streams[step.of] as Step<'split'>
      const stays = filterOf(split)
      return each(streams[split.in]!, (row) => (stays(row) ? [] : [row]))
    }
    case 'union':
      return step.ins.flatMap((input) => streams[input]!)
    case 'route':
      return step.how === 'broadcast' ? each(streams[step.in]!, (row) => new Array(step.parallelism).fill(row)) : streams[step.in]!
    case 'coMap':
      return [
        ...each(streams[step.ins[0]]!, (row) => [coMapOf(0, step.fields[0])(row)]),
        ...each(streams[step.ins[1]]!, (row) => [coMapOf(1, step.fields[1])(row)]),
      ]
    case 'join':
      return joinRows(streams[step.ins[0]]!, streams[step.ins[1]]!, step)
    case 'retime':
      return streams[step.in]!.map(({ row }) => ({ row, timestamp: row.ts }))
    case 'rolling':
      return prefixes(streams[step.in]!, step.key, (rows) => rolled(rows, step))
    case 'reduce':
      return prefixes(streams[step.in]!, step.key, (rows) => rows.reduce(rollingReduceOf(step.field)))
    case 'running':
      return prefixes(streams[step.in]!, step.key, (rows, key) => ({ ...keyFields(step.key, key), seen: rows.length }))
    case 'previous':
      return prefixes(streams[step.in]!, step.key, (rows, key) => {
        const before = rows.at(-2)
        return { ...keyFields(step.key, key), now: rows.at(-1)[step.field], before: before?.[step.field], note: before?.w }
      })
    case 'tally':
      return groups(streams[step.in]!, step.key).map(({ key, rows }) => ({
        row: { ...keyFields(step.key, key), rows: rows.length, total: ((rows.length - 1) % 3) + 1 },
        timestamp: Number.NaN,
      }))
    case 'timers':
      return timers(streams[step.in]!, step)
    case 'window':
      return windows(streams[step.in]!, step)
    case 'countWindow':
      return countWindows(streams[step.in]!, step)
  }
}

interface Group {
  readonly key: any
  readonly rows: Element<any>[]
}

function groups(rows: Rows, key: KeyBy | null): Group[] {
  const found = new Map<string, Group>()
  const selector = key === null ? () => 'all' : keyOf(key)
  for (const element of rows) {
    const value = selector(element.row)
    const name = canonical(value)
    const group = found.get(name)
    if (group === undefined) found.set(name, { key: value, rows: [element] })
    else group.rows.push(element)
  }
  return [...found.values()]
}

/** One result for each row: of all rows of its key up to it. In the order of the rows. */
function prefixes(rows: Rows, key: KeyBy, result: (rows: readonly any[], key: any) => any): Rows {
  const sofar = new Map<string, any[]>()
  return rows.map(({ row, timestamp }) => {
    const value = keyOf(key)(row)
    const name = canonical(value)
    const prefix = [...(sofar.get(name) ?? []), row]
    sofar.set(name, prefix)
    return { row: result(prefix, value), timestamp }
  })
}

/** NaN is greater than all other numbers. */
const less = (a: number, b: number): boolean => a < b || (Number.isNaN(b) && !Number.isNaN(a))

function rolled(rows: readonly any[], { kind, field, first }: Pick<Step<'rolling'>, 'kind' | 'field' | 'first'>): any {
  const counted = rows.filter((row) => row[field] !== null && row[field] !== undefined)
  if (counted.length === 0) return rows[0]
  const least = counted.reduce((a, b) => (less(b[field], a[field]) ? b : a))
  const greatest = counted.reduce((a, b) => (less(a[field], b[field]) ? b : a))
  const equals = (best: any) => counted.filter((row) => !less(row[field], best[field]) && !less(best[field], row[field])).at(first ? 0 : -1)
  switch (kind) {
    case 'sum':
      return { ...rows[0], [field]: counted.reduce((total, row) => total + row[field], 0) }
    case 'min':
      return { ...rows[0], [field]: least[field] }
    case 'max':
      return { ...rows[0], [field]: greatest[field] }
    case 'minBy':
      return equals(least)
    case 'maxBy':
      return equals(greatest)
  }
}

function joinRows(lefts: Rows, rights: Rows, { fields, mod }: Step<'join'>): Rows {
  const rightsOf = new Map<number, Rows>()
  const keyOfRight = joinKeyOf(fields[1], mod)
  for (const right of rights) rightsOf.set(keyOfRight(right.row), [...(rightsOf.get(keyOfRight(right.row)) ?? []), right])
  const partners = lefts.map((left) => rightsOf.get(joinKeyOf(fields[0], mod)(left.row)) ?? [])
  refuseLarge(partners.reduce((pairs, { length }) => pairs + length, 0))
  return lefts.flatMap((left, at) => partners[at]!.map((right) => ({ row: joined(left.row, right.row, fields), timestamp: Number.NaN })))
}

function refuseLarge(rows: number): void {
  if (rows > 100_000) throw new PassedOver(`a stream of ${rows} rows`)
}

function timers(rows: Rows, { key, size }: Step<'timers'>): Rows {
  return groups(rows, key).flatMap((group) => {
    const ends = group.rows.map(({ timestamp }) => bucketEnd(timestamp, size))
    return [...new Set(ends)].map((at) => ({
      row: { ...keyFields(key, group.key), at, counted: ends.filter((end) => end === at).length },
      timestamp: at,
    }))
  })
}

function windows(rows: Rows, step: Step<'window'>): Rows {
  const spans = windowsOf(step.windows)
  return groups(rows, step.key).flatMap((group) => {
    refuseTouching(group.rows, spans)
    const found = referenceWindows(group.rows, () => 'one', spans).sort((a, b) => a.end - b.end)
    return found.map(({ start, end, rows: held }, at) => {
      const row = windowRow(step, group.key, start, end, held)
      return { row: step.apply.kind === 'process' && step.apply.numbered ? { ...row, fired: at + 1 } : row, timestamp: end - 1 }
    })
  })
}

/** The program has no one result, or one of more rows than are worth comparing. */
export class PassedOver extends Error {}

/**
 * A row that comes exactly at the end of a session belongs to it, unless the watermark has closed it by then: that is a
 * matter of when watermarks come.
 */
function refuseTouching(rows: Rows, spans: ReferenceWindows<any>): void {
  if (spans.kind !== 'session') return
  let end = Number.NEGATIVE_INFINITY
  for (const { row, timestamp } of [...rows].sort((a, b) => a.timestamp - b.timestamp)) {
    if (timestamp === end) throw new PassedOver('a row at the very end of a session')
    end = Math.max(end, timestamp + spans.gap(row))
  }
}

function windowsOf(spec: WindowsSpec): ReferenceWindows<any> {
  switch (spec.kind) {
    case 'tumbling':
      return { ...spec, kind: 'sliding', slide: spec.size }
    case 'sliding':
    case 'global':
      return spec
    case 'session':
      return { kind: 'session', gap: () => spec.gap }
    case 'dynamicSession':
      return { kind: 'session', gap: (row) => gapOf(row, spec.field) }
  }
}

function windowRow({ key, apply }: Step<'window'>, value: any, windowStart: number, windowEnd: number, rows: readonly any[]): any {
  const frame = { ...keyFields(key, value), windowStart, windowEnd }
  switch (apply.kind) {
    case 'aggregates':
      return { ...frame, ...Object.fromEntries(apply.specs.map(({ name, kind, field }) => [name, aggregated(kind, rows, field)])) }
    case 'user':
      return userAggregated(
        apply.accumulator,
        rows.map((row) => fieldOf(row, apply.field)),
      )
    case 'reduce': {
      const reduced = rows.reduce(reduceOf(apply.field))
      return apply.process ? { ...frame, reduced, alone: 1 } : reduced
    }
    case 'process': {
      const values = rows.map((row) => fieldOf(row, apply.field))
      return { ...frame, values: apply.inOrder ? values : sorted(values) }
    }
    case 'rolling':
      return rolled(rows, { ...apply, kind: apply.op })
    case 'minBy':
      return rows.reduce((a, b) => (b[apply.field] < a[apply.field] ? b : a))
    case 'maxBy':
      return rows.reduce((a, b) => (b[apply.field] > a[apply.field] ? b : a))
  }
}

const total = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)

/** Nulls count for count() only; min and max skip NaN too. */
function aggregated(kind: string, rows: readonly any[], field: string): number | null {
  const values = rows.map((row) => row[field]).filter((value) => value !== null && value !== undefined)
  const comparable = values.filter((value) => !Number.isNaN(value))
  if (kind === 'count') return rows.length
  if (kind === 'sum') return total(values)
  if (kind === 'avg') return values.length === 0 ? null : total(values) / values.length
  if (comparable.length === 0) return null
  return kind === 'min' ? Math.min(...comparable) : Math.max(...comparable)
}

function userAggregated(accumulator: 'number' | 'object' | 'list', values: readonly number[]): any {
  if (accumulator === 'number') return { total: total(values) }
  if (accumulator === 'list') return { values: sorted(values) }
  return { n: values.length, low: Math.min(...values), none: values.length % 2 === 0 ? null : values.length }
}

function countWindows(rows: Rows, { key, size, slide, field }: Step<'countWindow'>): Rows {
  return groups(rows, key).flatMap((group) => {
    const values = group.rows.map(({ row }) => fieldOf(row, field))
    const every = slide ?? size
    const ends = values.map((_, at) => at + 1).filter((seen) => seen % every === 0)
    return ends.map((end) => ({ row: { values: values.slice(Math.max(0, end - size), end) }, timestamp: Number.NaN }))
  })
}
