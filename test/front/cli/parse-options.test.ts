import { expect, test } from 'vitest'
import { type OptionSpec, parseOptions, UsageError } from '../../../src/front/cli/parse-options.ts'

const specs: readonly OptionSpec[] = [
  { names: ['--parallelism', '-p'], value: 'N', doc: '' },
  { names: ['--define', '-D'], value: 'key=value', doc: '', many: true },
  { names: ['--json'], doc: '' },
]

const parse = (...words: string[]) => {
  const { options, operands, rest } = parseOptions(words, specs)
  return { ...Object.fromEntries(options), operands, rest }
}

const usageError = (...words: string[]): UsageError => {
  try {
    parse(...words)
  } catch (error) {
    if (error instanceof UsageError) return error
    throw error
  }
  throw new Error('no error')
}

test('options stand before and after the program, long or short, joined or apart', () => {
  expect(parse('-p', '4', 'a.ts', '--json')).toEqual({ '--parallelism': ['4'], '--json': [''], operands: ['a.ts'], rest: [] })
  expect(parse('--parallelism=4')).toEqual({ '--parallelism': ['4'], operands: [], rest: [] })
  expect(parse('-p4')).toEqual({ '--parallelism': ['4'], operands: [], rest: [] })
})

test('-D is read in the three ways that Flink users write it, and many times', () => {
  expect(parse('-Da.b=1', '-D', 'c=2', '--define=d=e=f')).toEqual({ '--define': ['a.b=1', 'c=2', 'd=e=f'], operands: [], rest: [] })
})

test('what follows -- is not looked at', () => {
  expect(parse('a.ts', '--', '--json', '-p', '--')).toEqual({ operands: ['a.ts'], rest: ['--json', '-p', '--'] })
})

test('an unknown option is refused with the nearest one and a word about --', () => {
  const error = usageError('--paralelism', '4')
  expect(error.message).toBe('Unknown option --paralelism')
  expect(error.hint).toMatch(/^Did you mean --parallelism\? Options of your own program go after --/)
  expect(usageError('--input=x').message).toBe('Unknown option --input')
})

test('a missing value, a value too many and an option given twice are refused', () => {
  expect(usageError('-p').message).toBe('-p needs a value: -p N')
  expect(usageError('--json=yes').message).toBe('--json takes no value')
  expect(usageError('-p', '1', '--parallelism', '2').message).toBe('--parallelism is given twice')
})
