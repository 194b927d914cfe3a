/**
 * What holds the values that a program puts into a state to the type the state was declared with, in every backend: typed tables
 * ask here about what their words cannot hold, so that a value that fits costs them nothing more.
 */
import type { Type } from '../../base/columnar/data-type.ts'
import { findMisfit, hintFor, makeSchema } from '../../base/columnar/schema.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import { fitsType } from './fits-type.ts'

/** Throws TYPE_MISMATCH where the value is not of the type. `what`: `state total of operator counts`. */
export type DeclaredCheck = (value: unknown) => void

/** undefined: any value will do. */
export function declaredCheck(type: Type<unknown> | undefined, what: string, part: 'value' | 'key' = 'value'): DeclaredCheck | undefined {
  if (type === undefined || type.dataType.kind === 'any') return undefined
  const declared = { type: type.dataType, nullable: type.nullable }
  return (value) => {
    if (!fitsType(value, declared)) throw misfitOf(value, declared, what, part)
  }
}

function misfitOf(value: unknown, declared: Parameters<typeof fitsType>[1], what: string, part: string): StreamError {
  const misfit = findMisfit(makeSchema('value', [{ name: 'value', ...declared }], true), value)!
  const field = misfit.field === 'value' ? `The ${part}` : part + misfit.field.slice('value'.length)
  return new StreamError('TYPE_MISMATCH', `${field} of ${what} is declared ${misfit.expected} and was given ${misfit.got}`, {
    hint: hintFor(misfit, 'before it is stored'),
  })
}
