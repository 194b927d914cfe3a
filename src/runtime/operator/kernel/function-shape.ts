/**
 * Reads a user function's source for one fact: whatever it returns has exactly the fields expected. Counting the keys of
 * each answer would prove the same, but takes the object out of registers and costs more than the rest of the row.
 *
 * It proves or gives up, and never guesses: text that it cannot read for certain (template strings, regular expressions,
 * escapes) proves nothing, and then keys are counted. Proven are two forms:
 * - every return gives an object literal with those fields and nothing computed or spread in;
 * - every return gives that or one parameter, of which the body uses nothing but those fields (`state.sum += row.v`): it is
 *   handed to nobody, so nobody adds fields to it.
 */
interface Token {
  readonly text: string
  readonly afterNewline: boolean
}

const sourceOf = Function.prototype.toString

/** `kept`: index of a parameter that has exactly these fields when the function is called. */
export function returnsFields(fn: unknown, fields: readonly string[], kept?: number): boolean {
  if (typeof fn !== 'function') return false
  const source: string = sourceOf.call(fn)
  const tokens = source.includes('<!--') || source.includes('-->') ? undefined : tokensOf(source)
  const body = tokens === undefined ? undefined : bodyOf(tokens)
  if (tokens === undefined || body === undefined) return false
  if (tokens.some(({ text }) => text === 'arguments' || text === 'eval' || text === 'with' || text === 'yield' || text === 'await'))
    return false
  const names = new Set(fields)
  if (!body.isBlock) return endOfAnswer(tokens, body.start, names, undefined) === tokens.length
  const parameter = kept === undefined ? undefined : parameterAt(tokens, body.parameters, kept)
  const mine = parameter !== undefined && usesOnly(tokens, body, parameter, names) ? parameter : undefined
  return returnsOnly(tokens, body.start, names, mine)
}

const word = /[A-Za-z_$][\w$]*/y
const number = /\d[\w.]*|\.\d\w*/y
const quoted = /'[^'\\\n]*'|"[^"\\\n]*"/y
const space = /\s+/y
const comment = /\/\/[^\n]*|\/\*[\s\S]*?\*\//y
const mark = /\.\.\.|=>|[-+*%<>=!&|^~?:;,.(){}[\]]/y

/** undefined: it holds something that cannot be read this simply. */
function tokensOf(source: string): Token[] | undefined {
  const tokens: Token[] = []
  let at = 0
  let afterNewline = false
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const text = pattern.exec(source)?.[0]
    if (text !== undefined) at += text.length
    return text
  }
  while (at < source.length) {
    const gap = take(space) ?? take(comment)
    if (gap !== undefined) {
      if (/[\n\r\u2028\u2029]/.test(gap)) afterNewline = true
      continue
    }
    const text =
      take(word) ??
      take(number) ??
      take(quoted) ??
      take(mark) ??
      (source[at] === '/' && isDivision(tokens.at(-1)?.text) ? source[at++] : undefined)
    if (text === undefined) return undefined
    tokens.push({ text, afterNewline })
    afterNewline = false
  }
  return tokens
}

/** Behind anything but a name or a number a slash may begin a regular expression. */
const isDivision = (before: string | undefined): boolean => before !== undefined && /^[\w$.]+$/.test(before) && !keywords.has(before)

const keywords = new Set(['return', 'typeof', 'case', 'in', 'of', 'instanceof', 'void', 'delete', 'do', 'else', 'throw', 'new'])

interface Body {
  /** First token of the parameters, behind the parenthesis; or the one parameter itself. */
  readonly parameters: number
  readonly isBlock: boolean
  /** The block's brace, or the first token of the answer. */
  readonly start: number
}

/** Of an arrow function, a function or a method. */
function bodyOf(tokens: readonly Token[]): Body | undefined {
  const textAt = (i: number) => tokens[i]?.text
  let at = 0
  if (textAt(0) === 'async' || textAt(0) === 'get' || textAt(0) === 'set' || textAt(0) === '*' || textAt(0) === 'class') return undefined
  if (textAt(0) === 'function') at = 1
  if (textAt(at) === '*') return undefined
  if (at === 0 && textAt(1) === '=>') return arrowBody(tokens, 0, 2)
  if (textAt(at) !== '(') at++
  if (textAt(at) !== '(') return undefined
  const end = matching(tokens, at)
  if (end === undefined) return undefined
  if (textAt(end + 1) === '=>') return arrowBody(tokens, at + 1, end + 2)
  return textAt(end + 1) === '{' && matching(tokens, end + 1) === tokens.length - 1
    ? { parameters: at + 1, isBlock: true, start: end + 1 }
    : undefined
}

function arrowBody(tokens: readonly Token[], parameters: number, start: number): Body | undefined {
  const isBlock = tokens[start]?.text === '{'
  return isBlock && matching(tokens, start) !== tokens.length - 1 ? undefined : { parameters, isBlock, start }
}

/** Index of the bracket that closes the one at `open`. */
function matching(tokens: readonly Token[], open: number): number | undefined {
  const closers: string[] = []
  for (let i = open; i < tokens.length; i++) {
    const { text } = tokens[i]!
    if (text === '(') closers.push(')')
    else if (text === '[') closers.push(']')
    else if (text === '{') closers.push('}')
    else if (text === ')' || text === ']' || text === '}') {
      if (closers.pop() !== text) return undefined
      if (closers.length === 0) return i
    }
  }
  return undefined
}

/** The parameter's name, if it is a name alone. */
function parameterAt(tokens: readonly Token[], from: number, index: number): string | undefined {
  let at = from
  for (let left = index; ; at++) {
    const text = tokens[at]?.text
    if (left === 0 && text !== undefined && /^[A-Za-z_$]/.test(text)) {
      const next = tokens[at + 1]?.text
      return next === ',' || next === ')' ? text : undefined
    }
    if (left === 0 || text === undefined || text === ')') return undefined
    if (text === '(' || text === '[' || text === '{') at = matching(tokens, at) ?? tokens.length
    else if (text === ',') left--
  }
}

/** Whether a body reads and writes only these fields of a parameter, and else only returns it. */
function usesOnly(tokens: readonly Token[], { parameters, start }: Body, parameter: string, names: ReadonlySet<string>): boolean {
  if (tokens.slice(parameters, start).filter(({ text }) => text === parameter).length !== 1 || holdsFunctions(tokens, start)) return false
  for (let i = start; i < tokens.length; i++) {
    if (tokens[i]!.text !== parameter || tokens[i - 1]?.text === '.') continue
    const next = tokens[i + 1]?.text
    const isField = next === '.' && names.has(tokens[i + 2]?.text ?? '') && tokens[i + 3]?.text !== '('
    const isReturned = tokens[i - 1]?.text === 'return' && (next === ';' || next === '}')
    if (!isField && !isReturned) return false
  }
  return true
}

/** A function within the body could return the parameter to the body. */
function holdsFunctions(tokens: readonly Token[], start: number): boolean {
  return tokens.some(({ text }, i) => {
    if (i <= start) return false
    if (text === '=>' || text === 'function' || text === 'class') return true
    if (text !== '(') return false
    const end = matching(tokens, i)
    return end === undefined || (tokens[end + 1]?.text === '{' && !statements.has(tokens[i - 1]!.text))
  })
}

const statements = new Set(['if', 'for', 'while', 'switch', 'catch'])

/** Whether each return of a block gives such an answer, and the block ends in one, so that it never just runs out. */
function returnsOnly(tokens: readonly Token[], start: number, names: ReadonlySet<string>, mine: string | undefined): boolean {
  let last = -1
  for (let i = start; i < tokens.length; i++) {
    if (tokens[i]!.text !== 'return') continue
    if (tokens[i - 1]?.text === '.' || tokens[i + 1] === undefined || tokens[i + 1]!.afterNewline) return false
    const end = endOfAnswer(tokens, i + 1, names, mine)
    const behind = end === undefined ? undefined : tokens[end]?.text
    if (end === undefined || (behind !== ';' && behind !== '}')) return false
    last = depthAt(tokens, start, i) === 1 && isStatement(tokens, i) ? (behind === ';' ? end + 1 : end) : -1
  }
  return last === tokens.length - 1
}

/** A return at the block's own level that no condition stands before. */
const isStatement = (tokens: readonly Token[], at: number): boolean => {
  const before = tokens[at - 1]!.text
  return before === ';' || before === '{' || before === '}'
}

function depthAt(tokens: readonly Token[], start: number, at: number): number {
  let depth = 0
  for (let i = start; i < at; i++) {
    if (tokens[i]!.text === '{') depth++
    else if (tokens[i]!.text === '}') depth--
  }
  return depth
}

/** Index behind an answer with exactly these fields, parentheses around it included; undefined: it is none. */
function endOfAnswer(tokens: readonly Token[], at: number, names: ReadonlySet<string>, mine: string | undefined): number | undefined {
  const { text } = tokens[at] ?? { text: '' }
  if (mine !== undefined && text === mine) return at + 1
  if (text === '(') {
    const end = endOfAnswer(tokens, at + 1, names, mine)
    return end !== undefined && tokens[end]?.text === ')' ? end + 1 : undefined
  }
  if (text !== '{') return undefined
  const end = matching(tokens, at)
  if (end === undefined) return undefined
  const found = literalFields(tokens, at + 1, end)
  return found !== undefined && found.size === names.size && [...found].every((name) => names.has(name)) ? end + 1 : undefined
}

/** Names of an object literal whose fields are all written out. */
function literalFields(tokens: readonly Token[], from: number, end: number): Set<string> | undefined {
  const names = new Set<string>()
  for (let i = from; i < end; i++) {
    const { text } = tokens[i]!
    const isQuoted = text[0] === "'" || text[0] === '"'
    if (!isQuoted && !/^[A-Za-z_$]/.test(text)) return undefined
    const name = isQuoted ? text.slice(1, -1) : text
    const next = tokens[i + 1]!.text
    if (name === '__proto__' || (next !== ':' && (isQuoted || (next !== ',' && i + 1 !== end)))) return undefined
    names.add(name)
    for (i++; i < end && tokens[i]!.text !== ','; i++) {
      const open = tokens[i]!.text
      if (open === '(' || open === '[' || open === '{') i = matching(tokens, i) ?? end
    }
  }
  return names
}
