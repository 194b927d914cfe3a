/**
 * sum, min, max, minBy and maxBy of a field as a reduce function over rows. sum, min and max replace that one field in the
 * first row; minBy and maxBy keep the whole row, and of equals the first (or the last, when told so). Nulls are skipped.
 */
import { StreamError } from '../../base/core/stream-error.ts'
import type { RollingOp } from '../../program/graph/operator-descriptor.ts'

type Row = Readonly<Record<string, unknown>>

export function rollingAggregate(op: RollingOp, field: string, first: boolean): (running: unknown, row: unknown) => unknown {
  const combine = combiner(op, field, first)
  return (running, row) => {
    const held = (running as Row)[field]
    const value = (row as Row)[field]
    if (value === null || value === undefined) return running
    if (held === null || held === undefined) return op === 'minBy' || op === 'maxBy' ? row : { ...(running as Row), [field]: value }
    return combine(running as Row, row as Row, held, value)
  }
}

function combiner(op: RollingOp, field: string, first: boolean): (running: Row, row: Row, held: unknown, value: unknown) => unknown {
  switch (op) {
    case 'sum':
      return (running, _row, held, value) => ({ ...running, [field]: add(held, value, field) })
    case 'min':
      return (running, _row, held, value) => (compareValues(value, held) < 0 ? { ...running, [field]: value } : running)
    case 'max':
      return (running, _row, held, value) => (compareValues(value, held) > 0 ? { ...running, [field]: value } : running)
    case 'minBy':
      return (running, row, held, value) => (compareValues(value, held) < (first ? 0 : 1) ? row : running)
    case 'maxBy':
      return (running, row, held, value) => (compareValues(value, held) > (first ? 0 : -1) ? row : running)
  }
}

function add(a: unknown, b: unknown, field: string): unknown {
  if (typeof a === 'number' && typeof b === 'number') return a + b
  if (typeof a === 'bigint' && typeof b === 'bigint') return a + b
  throw new StreamError('TYPE_MISMATCH', `sum of field ${field} met a ${typeof (typeof a === 'number' ? b : a)}`, {
    hint: 'sum takes a field of numbers, or one of bigints.',
  })
}

/** -1, 0 or 1. NaN is greater than all other numbers and equal to itself. */
export function compareValues(a: any, b: any): -1 | 0 | 1 {
  if (a < b) return -1
  if (a > b) return 1
  const notANumber = (Number.isNaN(a) ? 1 : 0) - (Number.isNaN(b) ? 1 : 0)
  return notANumber as -1 | 0 | 1
}
