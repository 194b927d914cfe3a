/**
 * State as a user declares and uses it. A declaration is plain data plus functions; the plan knows it by name and type.
 */
import type { Type } from '../../base/columnar/data-type.ts'
import type { AggregateFunction, ReduceFunction } from './functions.ts'

/** null when never set; update(null) clears. */
export interface ValueState<T> {
  readonly value: T | null
  update(value: T | null): void
  clear(): void
}
export interface ListState<T> {
  get(): T[]
  add(value: T): void
  addAll(values: Iterable<T>): void
  update(values: Iterable<T>): void
  clear(): void
}
export interface MapState<K, V> {
  get(key: K): V | undefined
  put(key: K, value: V): void
  putAll(entries: Iterable<readonly [K, V]>): void
  remove(key: K): void
  contains(key: K): boolean
  entries(): IterableIterator<[K, V]>
  keys(): IterableIterator<K>
  values(): IterableIterator<V>
  readonly isEmpty: boolean
  clear(): void
}
/** get() is undefined before the first add. */
export interface AppendingState<I, O> {
  get(): O | undefined
  add(value: I): void
  clear(): void
}

export type StateDeclaration<H = unknown> =
  | { readonly kind: 'value'; readonly type?: Type<unknown>; readonly __handle?: H }
  | { readonly kind: 'list'; readonly type?: Type<unknown>; readonly __handle?: H }
  | { readonly kind: 'map'; readonly keyType?: Type<unknown>; readonly type?: Type<unknown>; readonly __handle?: H }
  | { readonly kind: 'reducing'; readonly reduce: ReduceFunction<unknown>; readonly type?: Type<unknown>; readonly __handle?: H }
  | {
      readonly kind: 'aggregating'
      readonly aggregate: AggregateFunction<unknown, unknown, unknown>
      readonly type?: Type<unknown>
      readonly __handle?: H
    }

export type StateDeclarations = Readonly<Record<string, StateDeclaration>>
export type StateHandles<S extends StateDeclarations> = { readonly [N in keyof S]: S[N] extends StateDeclaration<infer H> ? H : never }

export const valueState = <T>(type?: Type<T>): StateDeclaration<ValueState<T>> => ({ kind: 'value', type })
export const listState = <T>(type?: Type<T>): StateDeclaration<ListState<T>> => ({ kind: 'list', type })
export const mapState = <K, V>(keyType?: Type<K>, type?: Type<V>): StateDeclaration<MapState<K, V>> => ({ kind: 'map', keyType, type })
export const reducingState = <T>(reduce: ReduceFunction<T>, type?: Type<T>): StateDeclaration<AppendingState<T, T>> => ({
  kind: 'reducing',
  reduce: reduce as ReduceFunction<unknown>,
  type,
})
export const aggregatingState = <I, A, O>(
  aggregate: AggregateFunction<I, A, O>,
  type?: Type<A>,
): StateDeclaration<AppendingState<I, O>> => ({
  kind: 'aggregating',
  aggregate: aggregate as AggregateFunction<unknown, unknown, unknown>,
  type,
})
