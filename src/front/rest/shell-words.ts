/** Splits a line as a shell does: at spaces, but for what is between quotes or behind a backslash. Pure. */
export function shellWords(line: string): readonly string[] {
  const words: string[] = []
  let word: string | undefined
  let quote: string | undefined
  for (let i = 0; i < line.length; i++) {
    const sign = line[i]!
    if (sign === '\\' && quote !== "'" && i + 1 < line.length) word = (word ?? '') + line[++i]!
    else if (quote !== undefined) {
      if (sign === quote) quote = undefined
      else word += sign
    } else if (sign === '"' || sign === "'") {
      quote = sign
      word ??= ''
    } else if (/\s/.test(sign)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else word = (word ?? '') + sign
  }
  return word === undefined ? words : [...words, word]
}
