/**
 * Accumulators of any shape (a reduced row, a user's own object, the list of a window's rows) for windows over typed tables: the
 * table's one word is a place in a column of objects beside it, 0 while there is none. Only for windows that fire once:
 * giving the result frees the place.
 */
import type { AggregateFunction } from '../../../program/function/functions.ts'
import type { Accumulator } from './accumulator.ts'
import { type Keeping, ObjectColumn } from './object-column.ts'

/** `fold` behaves as the plain window operator's (foldOf): it owns what it keeps and refuses promises. */
export function objectAccumulator(
  fold: AggregateFunction<any, any, any>,
  keeping: Keeping,
  declared?: Accumulator['declared'],
): Accumulator {
  const column = new ObjectColumn(keeping)
  const { hold, take, values, keepBefore } = column
  const first = (row: unknown) => fold.add(row, fold.createAccumulator())
  const more = (row: unknown, accumulator: unknown) => fold.add(row, accumulator)
  const result = (place: number) => fold.getResult(take(place))
  return {
    initial: new Float64Array(1),
    fieldsRead: undefined,
    canMerge: false,
    columns: ['value'],
    objects: column,
    ...(declared !== undefined && { declared }),
    bindings: { objectValues: values, objectHold: hold, objectKeep: keepBefore, foldFirst: first, foldMore: more, foldResult: result },
    addText: (f, at, row, id, _misfit, saving) =>
      `{ const place${id} = ${f}[${at}], row${id} = ${row.row}
if (place${id} === 0) ${f}[${at}] = objectHold(foldFirst(row${id}))
else ${saving ? `{ objectKeep(place${id}); ` : ''}objectValues[place${id}] = foldMore(row${id}, objectValues[place${id}])${saving ? ' }' : ''} }`,
    mergeText: () => '',
    resultText: (f, at) => `foldResult(${f}[${at}])`,
    add(f, at, row) {
      const place = f[at]!
      if (place === 0) f[at] = hold(first(row))
      else {
        keepBefore(place)
        values[place] = more(row, values[place])
      }
    },
    result: (f, at) => result(f[at]!),
  }
}
