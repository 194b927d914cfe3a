/**
 * Types over the rows of a stream: which fields a key, a sum or an aggregate may name, and what an aggregated row holds.
 */
import type { AggregateSpec } from '../function/aggregate.ts'
import type { NumericField } from '../function/watermark.ts'

/** Names of the fields of a row. */
export type FieldOf<T> = keyof T & string

/** The key fields of a stream keyed by name; a key is never null. */
export type KeyRow<T, F extends keyof T> = { -readonly [N in F]-?: NonNullable<T[N]> }

/** What `.aggregate({ name: spec })` accepts for rows of type T. */
export type AggregateSpecs<T> = Readonly<Record<string, AggregateSpec<any, NumericField<T>>>>

/** min, max and avg are null for a window whose values were all null; count and sum are not. */
export type AggregateResult<T, S> = S extends { readonly kind: 'min' | 'max' | 'avg'; readonly field: infer F }
  ? F extends keyof T
    ? Nullish<T[F]> extends never
      ? number
      : number | null
    : number
  : number

type Nullish<V> = Extract<V, null | undefined>

/** The key fields, the window's bounds and one field for each spec. */
export type AggregatedRow<T, R, S> = Flat<
  R & { windowStart: number; windowEnd: number } & { -readonly [N in keyof S]: AggregateResult<T, S[N]> }
>

/** An intersection as the one object type that it means. */
export type Flat<T> = { [N in keyof T]: T[N] } & {}

/** What a sink that takes rows of type S says to a stream of rows that are none. */
export type SinkFits<T, S> = [T] extends [S] ? unknown : { readonly 'this sink takes other rows': { readonly sink: S; readonly stream: T } }
