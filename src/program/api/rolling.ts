/**
 * sum, min, max, minBy and maxBy, which keyed streams and windows both have: they differ only in the operator that is added.
 */
import { StreamError } from '../../base/core/stream-error.ts'
import type { RollingOp } from '../graph/operator-descriptor.ts'
import type { OperatorOptions } from './operator-options.ts'
import type { ByOptions, SingleOutput } from './streams.ts'

export interface RollingAggregate {
  readonly kind: 'rolling'
  readonly op: RollingOp
  readonly field: string
  readonly first: boolean
}

/** Adds the operator of one such aggregate. Not a name, so that users' code does not see it. */
export const addRolling = Symbol('addRolling')

/** `Base` with the five methods; the class that extends it says what addRolling does. */
export function withRolling<B extends abstract new (...args: any[]) => object>(Base: B) {
  abstract class Rolling extends Base {
    abstract [addRolling](aggregate: RollingAggregate, options: OperatorOptions): SingleOutput<any>

    sum(field: string, options?: OperatorOptions): SingleOutput<any> {
      return this[addRolling](rolling('sum', field), options ?? {})
    }

    min(field: string, options?: OperatorOptions): SingleOutput<any> {
      return this[addRolling](rolling('min', field), options ?? {})
    }

    max(field: string, options?: OperatorOptions): SingleOutput<any> {
      return this[addRolling](rolling('max', field), options ?? {})
    }

    minBy(field: string, { first, ...options }: ByOptions = {}): SingleOutput<any> {
      return this[addRolling](rolling('minBy', field, first), options)
    }

    maxBy(field: string, { first, ...options }: ByOptions = {}): SingleOutput<any> {
      return this[addRolling](rolling('maxBy', field, first), options)
    }
  }
  return Rolling
}

function rolling(op: RollingOp, field: string, first = true): RollingAggregate {
  checkRollingField(op, field)
  return { kind: 'rolling', op, field, first }
}

function checkRollingField(op: RollingOp, field: unknown): void {
  if (typeof field === 'string' && field !== '') return
  throw new StreamError(
    'INVALID_ARGUMENT',
    `${op}() was given ${typeof field === 'string' ? 'an empty name' : typeof field}, not a field`,
    {
      hint: `Name the field: ${op}('amount'). For numbers without fields, map them to rows or use reduce().`,
    },
  )
}
