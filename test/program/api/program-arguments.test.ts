import { expect, test } from 'vitest'
import { programArguments } from '../../../src/program/api/program-arguments.ts'

test.each<[string, object]>([
  ['', { _: [] }],
  ['--input a.csv --limit=5', { input: 'a.csv', limit: '5', _: [] }],
  ['some words --dry-run', { 'dry-run': true, _: ['some', 'words'] }],
  ['--dry-run --input x', { 'dry-run': true, input: 'x', _: [] }],
  ['--offset -5', { offset: '-5', _: [] }],
  ['--tag a --tag b', { tag: ['a', 'b'], _: [] }],
  ['--equation a=b=c --empty=', { equation: 'a=b=c', empty: '', _: [] }],
  ['--flag -- --not-an-option', { flag: true, _: ['--not-an-option'] }],
])('%j is %j', (text, args) => {
  expect(programArguments(text.split(' ').filter((word) => word !== ''))).toEqual(args)
})

test('a name like __proto__ is data', () => {
  const args = programArguments(['--__proto__', 'x'])
  expect(Object.hasOwn(args, '__proto__')).toBe(true)
  expect(Object.getPrototypeOf(args)).toBe(Object.prototype)
})
