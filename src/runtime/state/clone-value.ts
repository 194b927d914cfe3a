/**
 * Copies of values on their way into and out of state, so that a user who changes what he stored or read changes no
 * state. Plain data is copied by a loop; everything else that can be cloned by structuredClone.
 */
import { StreamError } from '../../base/core/stream-error.ts'
import { ownString } from './own-string.ts'

/** Objects and arrays the loop copies before it leaves the value to structuredClone, which knows cycles and sharing. */
const loopBudget = 2_000

/** A deep copy; primitives are themselves. A value that cannot be cloned is an error that names `what`. */
export function cloneValue<T>(value: T, what: string): T {
  if (typeof value === 'string') return ownString(value) as T
  if (typeof value !== 'object' || value === null) {
    if (typeof value === 'function' || typeof value === 'symbol') throw notCloneable(value, what)
    return value
  }
  const copy = copyPlain(value, { left: loopBudget })
  if (copy !== notPlain) return copy as T
  try {
    return structuredClone(value)
  } catch (cause) {
    throw notCloneable(value, what, cause)
  }
}

/** A row that the engine keeps and nobody changes: itself, unless it holds strings that must be copied. */
export function ownRow<T>(row: T): T {
  if (typeof row === 'string') return ownString(row) as T
  if (typeof row !== 'object' || row === null) return row
  return holdsLongString(row) ? cloneValue(row, 'a row kept in state') : row
}

const notPlain = Symbol('not plain data')

function copyPlain(value: object, budget: { left: number }): unknown {
  if (--budget.left < 0) return notPlain
  if (Array.isArray(value)) return copyArray(value, budget)
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return value instanceof Date ? new Date(value) : notPlain
  const copy: Record<string, unknown> = {}
  for (const name of Object.keys(value)) {
    const copied = copyField((value as Record<string, unknown>)[name], budget)
    if (copied === notPlain) return notPlain
    if (name === '__proto__') Object.defineProperty(copy, name, { value: copied, enumerable: true, configurable: true, writable: true })
    else copy[name] = copied
  }
  return copy
}

function copyArray(values: readonly unknown[], budget: { left: number }): unknown {
  const copy: unknown[] = []
  for (const value of values) {
    const copied = copyField(value, budget)
    if (copied === notPlain) return notPlain
    copy.push(copied)
  }
  return copy
}

function copyField(value: unknown, budget: { left: number }): unknown {
  if (typeof value === 'string') return ownString(value)
  if (typeof value === 'object' && value !== null) return copyPlain(value, budget)
  return typeof value === 'function' || typeof value === 'symbol' ? notPlain : value
}

function holdsLongString(row: object): boolean {
  for (const name in row) {
    const value = (row as Record<string, unknown>)[name]
    if (typeof value === 'string' ? value.length >= 13 : typeof value === 'object' && value !== null) return true
  }
  return false
}

function notCloneable(value: unknown, what: string, cause?: unknown): StreamError {
  const kind = typeof value === 'object' ? 'value that cannot be cloned' : typeof value
  return new StreamError('TYPE_MISMATCH', `${what} was given a ${kind}`, {
    hint: 'Keep plain data in state: numbers, strings, dates, arrays and objects of them; no functions, symbols, promises or handles.',
    cause,
  })
}
