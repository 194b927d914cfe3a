/**
 * Reads a command's options from words. A command gives the table of its options; a word that starts with - and is not in
 * it is a UsageError that names the nearest one. Everything after -- belongs to the user's program and is not looked at.
 */
import { nearest } from '../../base/core/nearest.ts'

export interface OptionSpec {
  /** With dashes, the long one first: ['--parallelism', '-p']. */
  readonly names: readonly [string, ...string[]]
  /** What stands for the value in the help; absent: a switch. */
  readonly value?: string
  readonly doc: string
  /** May be given more than once. */
  readonly many?: boolean
}

export interface ParsedOptions {
  /** Values in the order given, by the option's long name. A switch has the one value ''. */
  readonly options: ReadonlyMap<string, readonly string[]>
  /** Words that are no options. */
  readonly operands: readonly string[]
  /** What follows --. */
  readonly rest: readonly string[]
}

/** The command was written wrongly; told with exit code 2. */
export class UsageError extends Error {
  readonly hint: string | undefined

  constructor(message: string, hint?: string) {
    super(message)
    this.name = 'UsageError'
    this.hint = hint
  }
}

export function parseOptions(words: readonly string[], specs: readonly OptionSpec[]): ParsedOptions {
  const end = words.indexOf('--')
  const own = end < 0 ? words : words.slice(0, end)
  const options = new Map<string, string[]>()
  const operands: string[] = []
  for (let i = 0; i < own.length; i++) {
    const word = own[i]!
    if (!word.startsWith('-') || word === '-') {
      operands.push(word)
      continue
    }
    const { spec, inline } = findOption(word, specs)
    if (spec.value !== undefined && inline === undefined && i + 1 >= own.length) {
      throw new UsageError(`${word} needs a value: ${word} ${spec.value}`)
    }
    const value = spec.value === undefined ? '' : (inline ?? own[++i]!)
    const values = options.get(spec.names[0]) ?? []
    if (values.length > 0 && spec.many !== true && spec.value !== undefined) throw new UsageError(`${spec.names[0]} is given twice`)
    options.set(spec.names[0], [...values, value])
  }
  return { options, operands, rest: end < 0 ? [] : words.slice(end + 1) }
}

/** Takes --name, --name=value, -n, -nvalue and, for -D, -Dkey=value. */
function findOption(word: string, specs: readonly OptionSpec[]): { readonly spec: OptionSpec; readonly inline: string | undefined } {
  const exact = specs.find((spec) => spec.names.includes(word))
  if (exact !== undefined) return { spec: exact, inline: undefined }
  const equals = word.indexOf('=')
  const name = equals < 0 ? word : word.slice(0, equals)
  const long = specs.find((spec) => name.startsWith('--') && spec.names.includes(name))
  if (long !== undefined && equals >= 0) {
    if (long.value === undefined) throw new UsageError(`${name} takes no value`)
    return { spec: long, inline: word.slice(equals + 1) }
  }
  const short = word.startsWith('--') ? undefined : specs.find((spec) => spec.value !== undefined && spec.names.includes(word.slice(0, 2)))
  if (short !== undefined) return { spec: short, inline: word.slice(2).replace(/^=/, '') }
  const close = nearest(
    name,
    specs.flatMap((spec) => spec.names).filter((known) => known.startsWith('--')),
  )
  const meant = close === undefined ? '' : `Did you mean ${close}? `
  throw new UsageError(
    `Unknown option ${name}`,
    `${meant}Options of your own program go after --, for example: headrace run program.ts -- --input flights.parquet`,
  )
}
