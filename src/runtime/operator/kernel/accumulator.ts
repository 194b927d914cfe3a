/**
 * Accumulators as float64 fields of a typed table, with the source text and the plain functions that add a row, merge two
 * and give the result: of built-in aggregates, and of a user's AggregateFunction whose accumulator is a plain object of
 * numbers or one number.
 */
import type { AggregateSpec } from '../../../program/function/aggregate.ts'
import type { AggregateFunction } from '../../../program/function/functions.ts'
import type { RuntimeContext } from '../../../program/function/runtime-context.ts'
import type { StateDescription } from '../../state/snapshot.ts'
import { isPromise, refusePromise } from '../user-function.ts'
import { aggregateColumns, userColumns } from '../window/accumulator-columns.ts'
import { notANumber } from '../window/built-in-aggregates.ts'
import { returnsFields } from './function-shape.ts'
import type { KernelRow } from './keyed-kernel.ts'
import type { ObjectColumn } from './object-column.ts'
import { plainFields } from './plain-fields.ts'
import { ShapeChanged } from './plain-windows.ts'
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
  /** Names of the words in a snapshot. */
  readonly columns: readonly string[]
  /** What the value of such a word is said to be. */
  readonly declared?: StateDescription['declared']
  /** What is beside the tables: the one word is a place there. */
  readonly objects?: ObjectColumn
  /** Objects that the texts need, by the names they use. */
  readonly bindings: Readonly<Record<string, unknown>>
  /**
   * `misfit` is a statement for an accumulator that a user's function gave another shape; then nothing was written. `saving`: a
   * snapshot is open; the table's page is saved already.
   */
  addText(f: string, at: string, row: AccumulatorRow, id: string, misfit: string, saving: boolean): string
  mergeText(f: string, at: string, g: string, from: string): string
  /** An expression; for built-in aggregates the properties of the result row (`name: value, ...`). */
  resultText(f: string, at: string): string
  /** Plain twins of the texts. add and merge throw ShapeChanged where a user's function changed the shape. */
  add(f: Float64Array, at: number, row: any): void
  result(f: Float64Array, at: number): any
  /** Of a user's function: its accumulator as an object, and what it does with them. */
  readonly user?: {
    read(f: Float64Array, at: number): any
    resultOf(accumulator: unknown): unknown
    readonly fn: AggregateFunction<any, any, any>
  }
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
    columns: aggregateColumns(aggregates),
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
            spec.kind === 'avg'
              ? `(${count} === 0 ? null : ${value} / ${count})`
              : spec.kind === 'min' || spec.kind === 'max'
                ? `(${value} !== ${value} ? null : ${value})`
                : value
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

/**
 * A user's AggregateFunction over a numeric accumulator. It is handed a fresh literal and its answer is stored. Where
 * neither a declared type nor the function's source says that the answer has these fields alone, they are counted.
 */
export function userAccumulator(
  fn: AggregateFunction<any, any, any>,
  shape: readonly string[] | 'number',
  ctx: RuntimeContext,
): Accumulator {
  const first = fn.createAccumulator()
  const isNumber = shape === 'number'
  const names = isNumber ? [''] : shape
  const initial = Float64Array.from(names, (name) => (isNumber ? first : first[name]))
  const isDeclared = fn.accumulatorType !== undefined
  const slot = (f: string, at: string, i: number) => `${f}[${i === 0 ? at : `${at} + ${i}`}]`
  const read = (f: string, at: string) =>
    isNumber ? slot(f, at, 0) : `{ ${names.map((name, i) => `${quote.property(name)}: ${slot(f, at, i)}`).join(', ')} }`
  const value = (a: string, name: string) => (isNumber ? a : `${a}${quote.access(name)}`)
  const store = (f: string, at: string, a: string, isProven: boolean, misfit: string) => {
    const known =
      isNumber || isProven ? [] : [isDeclared ? `typeof ${a} !== 'object' || ${a} === null` : `plainFields(${a}) !== ${names.length}`]
    const checks = [...known, ...names.map((name) => `typeof ${value(a, name)} !== 'number'`)]
    return `if (${checks.join(' || ')}) { ${misfit} } else {\n${names.map((name, i) => `${slot(f, at, i)} = ${value(a, name)}`).join('\n')} }`
  }
  const object = (f: Float64Array, at: number) => (isNumber ? f[at] : Object.fromEntries(names.map((name, i) => [name, f[at + i]])))
  const fits = (accumulator: any) =>
    isNumber
      ? typeof accumulator === 'number'
      : plainFields(accumulator) === names.length && names.every((name) => typeof accumulator[name] === 'number')
  const resultOf = (accumulator: unknown): unknown => {
    const result: unknown = fn.getResult(accumulator)
    return isPromise(result) ? refusePromise(result, ctx, 'getResult') : (result ?? null)
  }
  const add = fn.add.bind(fn)
  const addsInShape = !isNumber && returnsFields(fn.add, names, 1)
  return {
    initial,
    fieldsRead: undefined,
    canMerge: fn.merge !== undefined,
    columns: userColumns(shape).names,
    bindings: { userAdd: add, userResult: resultOf, userMerge: fn.merge?.bind(fn), shapeChanged, plainFields },
    addText: (f, at, row, id, misfit) =>
      `{ const acc${id} = userAdd(${row.row}, ${read(f, at)})\n${store(f, at, `acc${id}`, addsInShape, misfit)} }`,
    mergeText: (f, at, g, from) =>
      `{ const acc = userMerge(${read(f, at)}, ${read(g, from)})\n${store(f, at, 'acc', false, 'shapeChanged()')} }`,
    resultText: (f, at) => `userResult(${read(f, at)})`,
    add(f, at, row) {
      const accumulator = add(row, object(f, at))
      if (!fits(accumulator)) shapeChanged()
      names.forEach((name, i) => {
        f[at + i] = isNumber ? accumulator : accumulator[name]
      })
    },
    result: (f, at) => resultOf(object(f, at)),
    user: { read: object, resultOf, fn },
  }
}

function shapeChanged(): never {
  throw new ShapeChanged()
}
