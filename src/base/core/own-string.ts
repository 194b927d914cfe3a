/**
 * V8 keeps a substring of 13 or more characters as a window on its parent, so a short key cut from a batch's text keeps
 * the whole text alive. Whoever keeps a string for long keeps a copy of its own.
 */
const shortestWindow = 13

export function ownString(text: string): string {
  if (text.length < shortestWindow) return text
  const encoding = Buffer.byteLength(text) === text.length ? 'latin1' : 'utf16le'
  return Buffer.from(text, encoding).toString(encoding)
}
