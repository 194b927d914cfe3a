/**
 * Strings that outlive their batch. V8 keeps the whole parent of a substring of 13 or more characters alive, so one
 * key kept from a batch would keep the text of the whole batch: what enters state is copied first.
 */

/** Shorter substrings are copied by V8 itself. */
const copiedByV8Below = 13
const scratchBytes = 8192
const scratch = Buffer.allocUnsafeSlow(scratchBytes)

/** An equal string that shares no memory with a longer one. */
export function ownString(text: string): string {
  if (text.length < copiedByV8Below) return text
  if (text.length * 2 > scratchBytes) return Buffer.from(text, 'utf16le').toString('utf16le')
  const latin1 = scratch.toString('latin1', 0, scratch.write(text, 0, 'latin1'))
  // Characters beyond latin1 lost their upper byte above.
  return latin1 === text ? latin1 : scratch.toString('utf16le', 0, scratch.write(text, 0, 'utf16le'))
}
