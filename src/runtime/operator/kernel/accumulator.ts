/**
 * Accumulators as float64 fields of a typed table, with the source text and the plain functions that add a row, merge two
 * and give the result: of built-in aggregates, and of a user's AggregateFunction whose accumulator is a plain object of
 * numbers or one number.
 */
import { StreamError } from '../../../base/core/stream-error.ts'
import type { AggregateSpec } from '../../../program/function/aggregate.ts'
import type { AggregateFunction } from '../../../program/function/functions.ts'
import { notANumber } from '../window/built-in-aggregates.ts'
import type { KernelRow } from './keyed-kernel.ts'
import { quote } from './quote.ts'

/** How the texts read the row at hand. */
type AccumulatorRow = Pick<KernelRow, 'field' | 'isNullable' | 'isNumber' | 'row'>

/** `f` is the table's float64 array and `at` the word of the first accumulator field. */
export interface Accumulator {
  readonly initial: Float64Array
  /** undefined: whole rows. */
  readonly fieldsRead: readonly string[] | undefined
  /** Whether two can be merged. */
  readonly canMerge: boolean
  /** Objects that the texts need, by the names they use. */
  readonly bindings: Readonly<Record<string, unknown>>
  addText(f: string, at: string, row: AccumulatorRow, id: string): string
  mergeText(f: string, at: string, g: string, from: string): string
  /** An expression; for built-in aggregates the properties of the result row (`name: value, ...`). */
  resultText(f: string, at: string): string
  /** Plain twins of the texts. */
  add(f: Float64Array, at: number, row: any): void
  result(f: Float64Array, at: number): any
}

type Part = { readonly words: number; readonly spec: AggregateSpec; readonly name: string; readonly offset: number }

/** The result is an object with a property for each aggregate. min and max hold NaN while there was no value. */
export function builtInAccumulator(aggregates: Readonly<Record<string, AggregateSpec>>): Accumulator {
  const parts: Part[] = []
  let offset = 0
  for (const [name, spec] of Object.entries(aggregates)) {
    const words = spec.kind === 'avg' ? 2 : 1
    parts.push({ words, spec, name, offset })
    offset += words
  }
  const initial = new Float64Array(offset)
  for (const part of parts) if (part.spec.kind === 'min' || part.spec.kind === 'max') initial[part.offset] = Number.NaN
  const plain = { bindings: { refuseValue: (part: number, value: unknown) => refuse(parts[part]!.spec, value) }, initial, canMerge: true }
  const at = (base: string, offset: number) => (offset === 0 ? base : `${base} + ${offset}`)
  return {
    ...plain,
    fieldsRead: [...new Set(parts.flatMap(({ spec }) => (spec.kind === 'count' ? [] : [spec.field])))],
    addText: (f, base, row, id) => parts.map((part, p) => addPart(part, p, f, base, row, id)).join('\n'),
    mergeText: (f, base, g, from) =>
      parts
        .map(({ spec, offset }) => {
          const a = `${f}[${at(base, offset)}]`
          const b = `${g}[${at(from, offset)}]`
          if (spec.kind === 'min') return `if (!(${a} <= ${b}) && ${b} === ${b}) ${a} = ${b}`
          if (spec.kind === 'max') return `if (!(${a} >= ${b}) && ${b} === ${b}) ${a} = ${b}`
          return `${a} += ${b}${spec.kind === 'avg' ? `; ${f}[${at(base, offset + 1)}] += ${g}[${at(from, offset + 1)}]` : ''}`
        })
        .join('\n'),
    resultText: (f, base) =>
      parts
        .map(({ spec, name, offset }) => {
          const value = `${f}[${at(base, offset)}]`
          const count = `${f}[${at(base, offset + 1)}]`
          const text =
            spec.kind === 'avg' ? `(${count} === 0 ? null : ${value} / ${count})` : spec.kind === 'min' || spec.kind === 'max' ? `(${value} !== ${value} ? null : ${value})` : value
          return `${quote.property(name)}: ${text}`
        })
        .join(', '),
    add(f, base, row) {
      for (const { spec, offset } of parts) {
        if (spec.kind === 'count') f[base + offset]!++
        else addValue(spec.kind, f, base + offset, numberIn(row, spec))
      }
    },
    result(f, base) {
      const result: Record<string, unknown> = {}
      for (const { spec, name, offset } of parts) {
        const value = f[base + offset]!
        if (spec.kind === 'avg') result[name] = f[base + offset + 1] === 0 ? null : value / f[base + offset + 1]!
        else result[name] = Number.isNaN(value) && (spec.kind === 'min' || spec.kind === 'max') ? null : value
      }
      return result
    },
  }
}

function addPart({ spec, offset }: Part, p: number, f: string, base: string, row: AccumulatorRow, id: string): string {
  const slot = (extra: number) => `${f}[${offset + extra === 0 ? base : `${base} + ${offset + extra}`}]`
  if (spec.kind === 'count') return `${slot(0)}++`
  const nullable = row.isNullable(spec.field)
  const v = `v${id}_${offset}`
  const use =
    spec.kind === 'sum'
      ? `${slot(0)} += ${v}`
      : spec.kind === 'avg'
        ? `${slot(0)} += ${v}; ${slot(1)}++`
        : `if (!(${slot(0)} ${spec.kind === 'min' ? '<=' : '>='} ${v}) && ${v} === ${v}) ${slot(0)} = ${v}`
  const checked = row.isNumber(spec.field) ? use : `if (typeof ${v} !== 'number') refuseValue(${p}, ${v}); ${use}`
  return `{ const ${v} = ${row.field(spec.field)}; ${nullable ? `if (${v} !== null && ${v} !== undefined) { ${checked} }` : checked} }`
}

function addValue(kind: 'sum' | 'avg' | 'min' | 'max', f: Float64Array, at: number, value: number | null): void {
  if (value === null) return
  const held = f[at]!
  if (kind === 'min') {
    if (!(held <= value) && !Number.isNaN(value)) f[at] = value
  } else if (kind === 'max') {
    if (!(held >= value) && !Number.isNaN(value)) f[at] = value
  } else {
    f[at] = held + value
    if (kind === 'avg') f[at + 1]!++
  }
}

function numberIn(row: any, spec: FieldAggregate): number | null {
  const value = row[spec.field]
  if (value === null || value === undefined) return null
  return typeof value === 'number' ? value : refuse(spec, value)
}

type FieldAggregate = Extract<AggregateSpec, { readonly field: string }>

function refuse(spec: AggregateSpec, value: unknown): never {
  throw notANumber(spec as FieldAggregate, value)
}

/** The shape of an accumulator that fits a typed table: names of its number fields, or 'number'; undefined: it does not fit. */
export function numericShape(accumulator: unknown): readonly string[] | 'number' | undefined {
  if (typeof accumulator === 'number') return 'number'
  if (accumulator === null || typeof accumulator !== 'object' || Object.getPrototypeOf(accumulator) !== Object.prototype) return undefined
  const names = Object.keys(accumulator)
  if (names.length === 0 || names.length > 16) return undefined
  return names.every((name) => typeof (accumulator as Record<string, unknown>)[name] === 'number') ? names : undefined
}

/**
 * A user's AggregateFunction over a numeric accumulator. It is handed a fresh literal and its answer is stored; an answer of
 * another shape throws ShapeChanged before anything is written.
 */
export function userAccumulator(fn: AggregateFunction<any, any, any>, shape: readonly string[] | 'number'): Accumulator {
  const first = fn.createAccumulator()
  const names = shape === 'number' ? [''] : shape
  const initial = Float64Array.from(names, (name) => (shape === 'number' ? first : first[name]))
  const slot = (f: string, at: string, i: number) => `${f}[${i === 0 ? at : `${at} + ${i}`}]`
  const read = (f: string, at: string) => (shape === 'number' ? slot(f, at, 0) : `{ ${names.map((name, i) => `${quote.property(name)}: ${slot(f, at, i)}`).join(', ')} }`)
  const value = (a: string, name: string) => (shape === 'number' ? a : `${a}${quote.access(name)}`)
  const store = (f: string, at: string, a: string) =>
    `if (${[...names.map((name) => `typeof ${value(a, name)} !== 'number'`), ...(shape === 'number' ? [] : [`accumulatorKeys(${a}) !== ${names.length}`])].join(' || ')}) shapeChanged(${a})\n` +
    names.map((name, i) => `${slot(f, at, i)} = ${value(a, name)}`).join('\n')
  const read1 = (f: Float64Array, at: number) => (shape === 'number' ? f[at] : Object.fromEntries(names.map((name, i) => [name, f[at + i]])))
  const shapeChanged = (accumulator: unknown): never => {
    throw new StreamError('TYPE_MISMATCH', `An aggregate's accumulator began with number fields (${shape === 'number' ? 'a number' : names.join(', ')}) and became ${describe(accumulator)}`, {
      hint: 'Let createAccumulator() return the shape that add() keeps: a field that is not always a number must not start as one.',
    })
  }
  return {
    initial,
    fieldsRead: undefined,
    canMerge: fn.merge !== undefined,
    bindings: { userAdd: fn.add.bind(fn), userResult: fn.getResult.bind(fn), userMerge: fn.merge?.bind(fn), shapeChanged, accumulatorKeys: keyCount },
    addText: (f, at, row, id) => `{ const acc${id} = userAdd(${row.row}, ${read(f, at)})\n${store(f, at, `acc${id}`)} }`,
    mergeText: (f, at, g, from) => `{ const acc = userMerge(${read(f, at)}, ${read(g, from)})\n${store(f, at, 'acc')} }`,
    resultText: (f, at) => `userResult(${read(f, at)})`,
    add(f, at, row) {
      const accumulator = fn.add(row, read1(f, at))
      if (shape === 'number' ? typeof accumulator !== 'number' : numericShape(accumulator)?.length !== names.length) shapeChanged(accumulator)
      names.forEach((name, i) => {
        f[at + i] = shape === 'number' ? accumulator : accumulator[name]
      })
    },
    result: (f, at) => fn.getResult(read1(f, at)),
  }
}

function keyCount(value: object): number {
  let count = 0
  for (const _ in value) count++
  return count
}

function describe(value: unknown): string {
  if (value === null || typeof value !== 'object') return String(value)
  return `{ ${Object.entries(value).map(([name, field]) => `${name}: ${field === null ? 'null' : typeof field}`).join(', ')} }`
}
