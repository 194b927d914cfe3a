/**
 * Accumulators of any shape (a reduced row, a user's own object, the list of a window's rows) for windows over typed tables: the
 * table's one word is a place in a column of objects beside it, 0 while there is none. Only for windows that fire once:
 * giving the result frees the place.
 */
import type { AggregateFunction } from '../../../program/function/functions.ts'
import type { Accumulator } from './accumulator.ts'

class ObjectColumn {
  /** Place 0 stays empty. */
  readonly values: unknown[] = [undefined]
  readonly #free: number[] = []

  readonly hold = (value: unknown): number => {
    const place = this.#free.pop() ?? this.values.length
    this.values[place] = value
    return place
  }

  readonly take = (place: number): unknown => {
    const value = this.values[place]
    this.values[place] = undefined
    this.#free.push(place)
    return value
  }
}

/** `fold` behaves as the plain window operator's (foldOf): it owns what it keeps and refuses promises. */
export function objectAccumulator(fold: AggregateFunction<any, any, any>): Accumulator {
  const column = new ObjectColumn()
  const { hold, take, values } = column
  const first = (row: unknown) => fold.add(row, fold.createAccumulator())
  const more = (row: unknown, accumulator: unknown) => fold.add(row, accumulator)
  const result = (place: number) => fold.getResult(take(place))
  return {
    initial: new Float64Array(1),
    fieldsRead: undefined,
    canMerge: false,
    bindings: { objectValues: values, objectHold: hold, foldFirst: first, foldMore: more, foldResult: result },
    addText: (f, at, row, id) =>
      `{ const place${id} = ${f}[${at}], row${id} = ${row.row}
if (place${id} === 0) ${f}[${at}] = objectHold(foldFirst(row${id}))
else objectValues[place${id}] = foldMore(row${id}, objectValues[place${id}]) }`,
    mergeText: () => '',
    resultText: (f, at) => `foldResult(${f}[${at}])`,
    add(f, at, row) {
      const place = f[at]!
      if (place === 0) f[at] = hold(first(row))
      else values[place] = more(row, values[place])
    },
    result: (f, at) => result(f[at]!),
  }
}
