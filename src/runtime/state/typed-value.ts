/**
 * Handles of value states whose value lies in a typed table: a number, or a row of numbers. Any other value is kept among the
 * key's objects, whose handle refuses it if it is not of the declared type; a key has its value in one place only.
 */
import type { Type } from '../../base/columnar/data-type.ts'
import { assert } from '../../base/core/stream-error.ts'
import type { ValueState } from '../../program/function/state.ts'
import type { TypedKeyedState } from './typed-keyed-state.ts'

export interface TypedPlace {
  /** The state's name. */
  readonly name: string
  /** First word of the value within the value fields of an entry. */
  readonly word: number
  readonly mark: number
}

/** Which numbers a state is declared to hold. */
export type NumberKind = 'any' | 'int32' | 'whole'

/** The number is in its word; NaN there says to look at the mark and at the objects. */
export class NumberHandle implements ValueState<unknown> {
  readonly #state: TypedKeyedState
  readonly #name: string
  readonly #word: number
  readonly #mark: number
  readonly #kind: NumberKind
  readonly #others: ValueState<unknown>

  constructor(state: TypedKeyedState, { name, word, mark }: TypedPlace, kind: NumberKind, others: ValueState<unknown>) {
    this.#state = state
    this.#name = name
    this.#word = word
    this.#mark = mark
    this.#kind = kind
    this.#others = others
  }

  get value(): unknown {
    const state = this.#state
    const at = state.find(this.#name)
    if (at < 0) return null
    const value = state.table.f64[at + this.#word]!
    return value === value ? value : this.#readOther(at)
  }

  update(value: unknown): void {
    if (typeof value !== 'number' || value !== value) {
      this.#updateOther(value)
      return
    }
    if (this.#kind !== 'any' && (value | 0) !== value && (this.#kind === 'int32' || !Number.isSafeInteger(value))) this.#refuse(value)
    const state = this.#state
    const at = state.ensure(this.#name) + this.#word
    const { table } = state
    if (table.snapshot !== undefined) table.saveBefore(at)
    const { f64 } = table
    if (f64[at] !== f64[at]) this.clear()
    f64[at] = value
  }

  clear(): void {
    this.#dropNumber()
    this.#others.clear()
  }

  #readOther(at: number): unknown {
    return (this.#state.table.i32[at * 2]! & this.#mark) !== 0 ? Number.NaN : this.#others.value
  }

  #dropNumber(): void {
    const state = this.#state
    const at = state.find(this.#name)
    if (at < 0) return
    state.table.saveBefore(at)
    state.table.f64[at + this.#word] = Number.NaN
    state.table.i32[at * 2]! &= ~this.#mark
  }

  #updateOther(value: unknown): void {
    if (value === null || value === undefined) this.clear()
    else if (typeof value === 'number') {
      if (this.#kind !== 'any') this.#refuse(value)
      this.clear()
      const at = this.#state.ensure(this.#name)
      this.#state.table.saveBefore(at)
      this.#state.table.i32[at * 2]! |= this.#mark
    } else {
      // First, since it may throw.
      this.#others.update(value)
      this.#dropNumber()
    }
  }

  /** The objects' handle knows the declared type, and the words for it. */
  #refuse(value: number): never {
    this.#others.update(value)
    assert(false, `state ${this.#name} refuses what its words cannot hold`)
  }
}

/** How a row of numbers stands in `words` words of an entry. */
export interface RowCodec {
  readonly words: number
  /** Of the fields, in the order of their words. */
  readonly names: readonly string[]
  /** A fresh object. */
  read(f64: Float64Array, at: number): unknown
  fits(value: unknown): boolean
  write(f64: Float64Array, at: number, value: unknown): void
}

const numeric: ReadonlySet<string> = new Set(['float64', 'int32', 'int64', 'timestamp'])
/** Names that are themselves in source text, as a property of a literal and behind a dot. */
const plainName = /^(?!__proto__$)[A-Za-z_$][A-Za-z0-9_$]*$/
const maxFields = 16

/** Generated, so that what is read is a literal of fixed shape. undefined: the type is not a row of numbers. */
export function rowCodec(type: Type<unknown> | undefined, word: number): RowCodec | undefined {
  if (type?.dataType.kind !== 'struct') return undefined
  const { fields } = type.dataType
  if (fields.length === 0 || fields.length > maxFields) return undefined
  if (!fields.every((field) => numeric.has(field.type.kind) && plainName.test(field.name))) return undefined
  const names = fields.map(({ name }) => name)
  const read = names.map((name, i) => `${name}: f64[at + ${word + i}]`).join(', ')
  const fits = fields.map((field) => numberTest(field.type.kind, `value.${field.name}`)).join(' && ')
  const write = names.map((name, i) => `f64[at + ${word + i}] = value.${name}`).join('; ')
  // Unique text has type feedback of its own.
  const source = `/* row state ${compiled++} */ return {
words: names.length, names,
read(f64, at) { return { ${read} } },
fits(value) { return typeof value === 'object' && value !== null && ${fits} && hasOnly(value) },
write(f64, at, value) { ${write} },
}`
  return new Function('names', 'hasOnly', source)(names, (value: object) => countFields(value) === names.length) as RowCodec
}

let compiled = 0

/** Source text: whether `value` is a number of that kind. */
function numberTest(kind: string, value: string): string {
  if (kind === 'float64') return `typeof ${value} === 'number'`
  // An int32 in any case, which is what most whole numbers are.
  const int32 = `(${value} | 0) === ${value}`
  return kind === 'int32' ? int32 : `(${int32} || Number.isSafeInteger(${value}))`
}

function countFields(value: object): number {
  let count = 0
  for (const _ in value) count++
  return count
}

/** The mark says that the row is in its words. */
export class RowHandle implements ValueState<unknown> {
  readonly #state: TypedKeyedState
  readonly #codec: RowCodec
  readonly #name: string
  readonly #mark: number
  readonly #others: ValueState<unknown>

  constructor(state: TypedKeyedState, codec: RowCodec, { name, mark }: TypedPlace, others: ValueState<unknown>) {
    this.#state = state
    this.#codec = codec
    this.#name = name
    this.#mark = mark
    this.#others = others
  }

  get value(): unknown {
    const at = this.#state.find(this.#name)
    if (at < 0) return null
    const { i32, f64 } = this.#state.table
    return (i32[at * 2]! & this.#mark) !== 0 ? this.#codec.read(f64, at) : this.#others.value
  }

  update(value: unknown): void {
    if (!this.#codec.fits(value)) {
      // First, since it may throw.
      this.#others.update(value)
      this.#dropRow()
      return
    }
    const at = this.#state.ensure(this.#name)
    const { table } = this.#state
    if (table.snapshot !== undefined) table.saveBefore(at)
    if ((table.i32[at * 2]! & this.#mark) === 0) {
      table.i32[at * 2]! |= this.#mark
      this.#others.clear()
    }
    this.#codec.write(table.f64, at, value)
  }

  clear(): void {
    this.#dropRow()
    this.#others.clear()
  }

  #dropRow(): void {
    const at = this.#state.find(this.#name)
    if (at < 0) return
    this.#state.table.saveBefore(at)
    this.#state.table.i32[at * 2]! &= ~this.#mark
  }
}
