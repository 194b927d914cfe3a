/**
 * Types as users write them. `t.row({ ts: t.timestamp, key: t.int32 })` stands for `{ ts: number, key: number }` in
 * TypeScript and for two columns in a batch. Plain data: a type can be shared, stored and compared.
 */
import type { DataType, Type } from './data-type.ts'

/** The TypeScript type that a declared type stands for. */
export type TypeOf<X> = X extends Type<infer T> ? T : never

/** Fields by name, as t.row and t.struct take them. */
export type FieldTypes = Readonly<Record<string, Type<unknown>>>
export type RowOf<F extends FieldTypes> = { -readonly [N in keyof F]: TypeOf<F[N]> }

const plain = <T>(dataType: DataType): Type<T> => ({ dataType, nullable: false })

function struct<F extends FieldTypes>(fields: F): Type<RowOf<F>> {
  return plain({
    kind: 'struct',
    fields: Object.entries(fields).map(([name, { dataType, nullable }]) => ({ name, type: dataType, nullable })),
  })
}

const utf8 = plain<string>({ kind: 'utf8' })

/**
 * @example
 * const flight = t.row({ date: t.timestamp, origin: t.utf8, delay: t.nullable(t.int32), legs: t.list(t.utf8) })
 * type Flight = TypeOf<typeof flight> // { date: number; origin: string; delay: number | null; legs: string[] }
 */
export const t = {
  /** Whole numbers from -2^31 to 2^31 - 1. */
  int32: plain<number>({ kind: 'int32' }),
  /** Whole numbers of at most 2^53. */
  int64: plain<number>({ kind: 'int64' }),
  float64: plain<number>({ kind: 'float64' }),
  boolean: plain<boolean>({ kind: 'boolean' }),
  /** A number: ms since the epoch. */
  timestamp: plain<number>({ kind: 'timestamp' }),
  /** A Date. */
  date: plain<Date>({ kind: 'date' }),
  /** Whole numbers of any size, as bigint. */
  bigint: plain<bigint>({ kind: 'bigint' }),
  utf8,
  /** The same as utf8. */
  string: utf8,
  binary: plain<Uint8Array>({ kind: 'binary' }),
  /** Whatever can be cloned, as one opaque value: slow, and unknown to kernels. */
  any: plain<unknown>({ kind: 'any' }),
  /** As `any`, with the TypeScript type that you know it has. */
  opaque: <T>(): Type<T> => plain<T>({ kind: 'any' }),
  list: <T>(item: Type<T>): Type<T[]> => plain({ kind: 'list', item: item.dataType, itemNullable: item.nullable }),
  struct,
  /** A record of a stream: each field is a column. */
  row: struct,
  /** null, undefined and a missing field are one value, which reads as null. */
  nullable: <T>(type: Type<T>): Type<T | null> => ({ dataType: type.dataType, nullable: true }),
} as const
