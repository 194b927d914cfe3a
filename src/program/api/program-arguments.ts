/**
 * The words after -- as the `args` object that a program's main is given:
 *
 *     -- some words --input a.csv --limit=5 --dry-run   ->   { input: 'a.csv', limit: '5', 'dry-run': true, _: ['some', 'words'] }
 *
 * Values stay texts; an option with no value after it is true; one given several times is an array; a second -- ends the options.
 */
export interface ProgramArguments {
  readonly [name: string]: string | true | readonly (string | true)[]
  /** The words that belong to no option. */
  readonly _: readonly string[]
}

const isOption = (word: string | undefined): boolean => word?.startsWith('--') === true && word.length > 2

export function programArguments(words: readonly string[]): ProgramArguments {
  const options = new Map<string, (string | true)[]>()
  const operands: string[] = []
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!
    if (word === '--') {
      operands.push(...words.slice(i + 1))
      break
    }
    if (!isOption(word)) {
      operands.push(word)
      continue
    }
    const equals = word.indexOf('=')
    const name = word.slice(2, equals < 0 ? undefined : equals)
    const next = words[i + 1]
    const separate = equals < 0 && next !== undefined && next !== '--' && !isOption(next)
    const value = equals >= 0 ? word.slice(equals + 1) : separate ? words[++i]! : true
    options.set(name, [...(options.get(name) ?? []), value])
  }
  const named = [...options].map(([name, values]) => [name, values.length === 1 ? values[0]! : values])
  // A null prototype would surprise programs; a field called __proto__ is data because fromEntries defines, and does not assign.
  return { ...Object.fromEntries(named), _: operands }
}
