/**
 * Built-in aggregates: plain data, so that they become kernels over columns. Nulls are skipped by all but count().
 */
export type AggregateSpec<_R = number, F extends string = string> =
  | { readonly kind: 'count'; readonly __result?: _R; readonly __field?: F }
  | { readonly kind: 'sum' | 'min' | 'max' | 'avg'; readonly field: F; readonly __result?: _R; readonly __field?: F }

/** The kind stays in the type, so that min, max and avg of a nullable field are known to be nullable. */
type OfKind<Kind extends AggregateSpec['kind'], F extends string> = AggregateSpec<number, F> & { readonly kind: Kind }

/**
 * How many elements there were, nulls included.
 *
 * ```ts
 * flights.keyBy('origin').window(tumbling(hours(1))).aggregate({ flights: count() })
 * ```
 */
export const count = (): OfKind<'count', never> => ({ kind: 'count' })

/**
 * 0 when no value was there, as count is.
 *
 * ```ts
 * flights.keyBy('origin').window(tumbling(hours(1))).aggregate({ miles: sum('distance') })
 * ```
 */
export const sum = <F extends string>(field: F): OfKind<'sum', F> => ({ kind: 'sum', field })

/**
 * null when no value was there.
 *
 * ```ts
 * flights.keyBy('origin').window(tumbling(hours(1))).aggregate({ shortest: min('distance') })
 * ```
 */
export const min = <F extends string>(field: F): OfKind<'min', F> => ({ kind: 'min', field })

/**
 * null when no value was there.
 *
 * ```ts
 * flights.keyBy('origin').window(tumbling(hours(1))).aggregate({ longest: max('distance') })
 * ```
 */
export const max = <F extends string>(field: F): OfKind<'max', F> => ({ kind: 'max', field })

/**
 * Mean as a float64; null when no value was there.
 *
 * ```ts
 * flights.keyBy('origin').window(tumbling(hours(1))).aggregate({ delay: avg('delay') })
 * ```
 */
export const avg = <F extends string>(field: F): OfKind<'avg', F> => ({ kind: 'avg', field })
