/**
 * User functions that run once a record are synchronous: a promise would be taken for the result. What can be seen when
 * the job is planned, an `async` function, is refused there; a promise that comes back later fails the record.
 */
import { StreamError } from '../../base/core/stream-error.ts'

const asyncTags = ['[object AsyncFunction]', '[object AsyncGeneratorFunction]']

/** `what` begins the message: "The function of map() in operator 'x'". */
export function refuseAsync(what: string, fn: unknown): void {
  if (typeof fn !== 'function' || !asyncTags.includes(Object.prototype.toString.call(fn))) return
  throw new StreamError('INVALID_PROGRAM', `${what} is async`, {
    hint: 'It runs once a record and must return its result at once. open and close may be async, and so may sources and sinks: read there what answers later.',
  })
}

/** Checks a function, or those methods of a rich one that run once a record, and that there is one at all. */
export function checkFunction(operation: string, operator: string, fn: unknown, methods: readonly [string, ...string[]]): void {
  if (typeof fn === 'function') return refuseAsync(`The function of ${operation}() in operator '${operator}'`, fn)
  const rich = fn as Record<string, unknown> | null | undefined
  if (typeof rich !== 'object' || rich === null || typeof rich[methods[0]] !== 'function') {
    throw new StreamError('INVALID_ARGUMENT', `${operation}() in operator '${operator}' was given ${describe(fn)}`, {
      hint: `It takes a function, or an object with a method ${methods[0]}.`,
    })
  }
  for (const method of methods) refuseAsync(`${method} of ${operation}() in operator '${operator}'`, rich[method])
}

const describe = (value: unknown): string =>
  value === null ? 'null' : typeof value === 'object' ? 'an object without that method' : typeof value
