/**
 * The one way names get into generated source: whatever a field is called, it is data there.
 */
const identifier = /^[A-Za-z_$][A-Za-z0-9_$]*$/

const text = (name: string): string =>
  JSON.stringify(name)
    .replace(/\u2028/g, '\\u2028')
    .replace(/\u2029/g, '\\u2029')

export const quote = {
  /** A string literal. */
  text,
  /** A property name in an object literal; `__proto__` would set the prototype if it were not computed. */
  property: (name: string): string => (name === '__proto__' ? '["__proto__"]' : identifier.test(name) ? name : text(name)),
  /** Property access behind an expression. */
  access: (name: string): string => (identifier.test(name) && name !== '__proto__' ? `.${name}` : `[${text(name)}]`),
  /** Any text inside a comment of generated source. */
  comment: (words: string): string => words.replace(/\*\//g, '* /').replace(/[\r\n\u2028\u2029]/g, ' '),
}
