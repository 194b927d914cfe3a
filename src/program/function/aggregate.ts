/**
 * Built-in aggregates: plain data, so that they become kernels over columns. Nulls are skipped by all but count().
 */
export type AggregateSpec<_R = number, F extends string = string> =
  | { readonly kind: 'count'; readonly __result?: _R; readonly __field?: F }
  | { readonly kind: 'sum' | 'min' | 'max' | 'avg'; readonly field: F; readonly __result?: _R; readonly __field?: F }

export const count = (): AggregateSpec<number, never> => ({ kind: 'count' })
/** 0 when no value was there, as count is. */
export const sum = <F extends string>(field: F): AggregateSpec<number, F> => ({ kind: 'sum', field })
/** null when no value was there. */
export const min = <F extends string>(field: F): AggregateSpec<number, F> => ({ kind: 'min', field })
export const max = <F extends string>(field: F): AggregateSpec<number, F> => ({ kind: 'max', field })
/** Mean as a float64; null when no value was there. */
export const avg = <F extends string>(field: F): AggregateSpec<number, F> => ({ kind: 'avg', field })
