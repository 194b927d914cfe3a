/**
 * The check that sum, min, max, minBy and maxBy share.
 */
import { StreamError } from '../../base/core/stream-error.ts'
import type { RollingOp } from '../graph/operator-descriptor.ts'

export function checkRollingField(op: RollingOp, field: unknown): void {
  if (typeof field === 'string' && field !== '') return
  throw new StreamError(
    'INVALID_ARGUMENT',
    `${op}() was given ${typeof field === 'string' ? 'an empty name' : typeof field}, not a field`,
    {
      hint: `Name the field: ${op}('amount'). For numbers without fields, map them to rows or use reduce().`,
    },
  )
}
