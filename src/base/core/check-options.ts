/**
 * Options objects that JavaScript lets anybody misspell: a name that is not known is refused with the closest one that
 * is, where TypeScript's check did not come first.
 */
import { nearest } from './nearest.ts'
import { StreamError } from './stream-error.ts'

/** `what` begins the message: `csv()`. Fails for a name in `options` that is not among `known`. */
export function checkOptionNames(what: string, options: object | undefined, known: readonly string[]): void {
  if (options === undefined) return
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new StreamError(
      'INVALID_ARGUMENT',
      `${what} was given ${Array.isArray(options) ? 'an array' : String(options)} where its options are expected`,
      {
        hint: `Pass an object: { ${known[0]}: ... }.`,
      },
    )
  }
  for (const [name, value] of Object.entries(options)) {
    if (known.includes(name) || value === undefined) continue
    const close = nearest(name, known)
    throw new StreamError('INVALID_ARGUMENT', `${what} has no option '${name}'`, {
      hint: close === undefined ? `It has ${known.join(', ')}.` : `Did you mean ${close}?`,
      place: { option: name },
    })
  }
}

/** Fails unless an option is one of a few words. */
export function checkOneOf(what: string, option: string, value: unknown, words: readonly string[]): void {
  if (value === undefined || words.includes(value as string)) return
  throw new StreamError('INVALID_ARGUMENT', `${what}: ${option} is ${typeof value === 'string' ? `'${value}'` : String(value)}`, {
    hint: `It is ${words.map((word) => `'${word}'`).join(' or ')}.`,
    place: { option },
  })
}
