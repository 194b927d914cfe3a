/**
 * What user code threw, in words for the first line of a message. Anything can be thrown: an error says its name and
 * message, anything else is shown as it is, cut where it gets long.
 */

const maxLength = 200

export function describeThrown(thrown: unknown): string {
  if (thrown instanceof Error) return `${thrown.name}: ${thrown.message}`
  return `it threw ${textOf(thrown)}, which is no Error and so has no stack`
}

function textOf(value: unknown): string {
  if (value === undefined) return 'undefined'
  if (typeof value === 'symbol' || typeof value === 'function') return `a ${typeof value}`
  if (typeof value === 'bigint') return `${value}n`
  const text = jsonOf(value) ?? 'an object that cannot be shown'
  return text.length > maxLength ? `${text.slice(0, maxLength)}...` : text
}

/** undefined: it holds itself, a bigint, or a getter that throws. */
function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value)
  } catch {
    return undefined
  }
}
