import { expect, test } from 'vitest'
import { returnsFields } from '../../../../src/runtime/operator/kernel/function-shape.ts'

const fields = ['key', 'value']
/** From text, so that no compiler rewrites what is read. */
const made = (text: string): unknown => new Function(`return (${text})`)()
const method = (text: string): unknown => new Function(`return ({ ${text} })`)().reduce

test.each([
  '(a, b) => ({ key: a.key, value: a.value + b.value })',
  'a => ({ value: a.value, "key": 1 })',
  '(a, b) => { return { key: a.key, value: a.value / b.value } }',
  '(a, b) => { const key = a.key; if (b.value > 1) { return { key, value: 2 }; } return ({ key, value: [1, 2].length }); }',
  'function (a, { value }) { /* , } */ return { key: a.key, value: value ? "}" : 1 } // }\n }',
  'function reduce(a, b) { if (a.value > 1) return { key: 1, value: { other: 2 } }; return { key: 1, value: 1 } }',
])('a literal with all fields is proven: %s', (text) => {
  expect(returnsFields(made(text), fields)).toBe(true)
})

test.each([
  '(a) => ({ ...a, value: 1 })',
  '(a) => ({ key: 1 })',
  '(a) => ({ key: 1, value: 2, more: 3 })',
  '(a) => ({ key: 1, ["value"]: 2 })',
  '(a) => ({ key: 1, get value() { return 2 } })',
  '(a) => ({ key: 1, __proto__: a })',
  '(a) => ({ key: 1, value: 2 }).key',
  '(a) => { return { key: 1, value: 2 }.key }',
  '(a) => { return { key: 1, value: 2 } || a }',
  '(a) => { return\n{ key: 1 } }',
  '(a) => { if (a.key) return { key: 1, value: 2 } }',
  '(a) => { for (const x of [1]) { return { key: 1, value: 2 } } }',
  '(a) => { return { key: 1, value: 2 }; a.key() }',
  '(a) => { if (a) return a; return { key: 1, value: 2 } }',
  '(a) => { try { return { key: 1, value: 2 } } catch (e) {} }',
  '(a) => a',
  '(a) => (a, { key: 1, value: 2 })',
  '(a) => ({ key: `}`, value: 2 })',
  '(a) => ({ key: /}/, value: 2 })',
  '(a) => ({ key: (1) /2/ 1, value: 2 })',
  'async () => ({ key: 1, value: 2 })',
  'function* () { return { key: 1, value: 2 } }',
  '(a) => { return { key: eval("1"), value: 2 } }',
  '(a) => ({ k\\u0065y: 1, value: 2 })',
])('anything else is not: %s', (text) => {
  expect(returnsFields(made(text), fields)).toBe(false)
})

test('methods are read as functions are, and what has no text proves nothing', () => {
  expect(returnsFields(method('reduce(a, b) { return { key: a.key, value: b.value } }'), fields)).toBe(true)
  expect(returnsFields(method('async reduce(a, b) { return { key: a.key, value: b.value } }'), fields)).toBe(false)
  expect(returnsFields(method('*reduce(a, b) { return { key: a.key, value: b.value } }'), fields)).toBe(false)
  expect(returnsFields(method('["reduce"](a, b) { return { key: a.key, value: b.value } }'), fields)).toBe(false)
  expect(returnsFields((made('() => ({ key: 1, value: 2 })') as () => unknown).bind(null), fields)).toBe(false)
  expect(returnsFields(new Proxy(made('() => ({ key: 1, value: 2 })') as () => unknown, {}), fields)).toBe(false)
  const lying = Object.assign(made('(a) => a') as () => unknown, { toString: () => '() => ({ key: 1, value: 2 })' })
  expect(returnsFields(lying, fields)).toBe(false)
  expect(returnsFields(undefined, fields)).toBe(false)
})

test.each([
  '(row, acc) => { acc.value += row.v; acc.key++; return acc }',
  '(row, acc) => { if (row.v > acc.value) { acc.value = row.v } return acc; }',
  '({ v }, acc) => { if (v < 0) return acc; for (const x of [v]) { acc.value += x } return { key: acc.key, value: acc.value } }',
  'function (row, acc) { acc.value = Math.max(acc.value, row.v); return acc }',
])('a parameter of which only the fields are used may be returned: %s', (text) => {
  expect(returnsFields(made(text), fields, 1)).toBe(true)
})

test.each([
  '(row, acc) => { acc.more = row.v; return acc }',
  '(row, acc) => { acc[row.v] = 1; return acc }',
  '(row, acc) => { Object.assign(acc, row); return acc }',
  '(row, acc) => { const same = acc; same.more = 1; return acc }',
  '(row, acc) => { const f = () => { return acc }; f().more = 1; return acc }',
  '(row, acc) => { const f = { m() { return acc } }; f.m().more = 1; return acc }',
  '(row, acc) => { const f = { get m() { return acc } }; f.m.more = 1; return acc }',
  '(row, acc) => { arguments[1].more = 1; return acc }',
  '(row, acc, x = acc) => { x.more = 1; return acc }',
  '(row, acc) => { [acc] = [row]; return acc }',
  '(row, acc) => { acc = row; return acc }',
  '(row, acc) => { row.f({ acc }); return acc }',
  '(row, { key }) => { return key }',
  '(row, acc = {}) => { return acc }',
  '(row, ...acc) => { return acc }',
  '(row, acc) => { acc.key(); return acc }',
  '(row, acc) => { return row }',
  '(acc, row) => { return acc }',
  '(row, acc) => { if (row.v) return acc }',
])('one that may have got other fields may not: %s', (text) => {
  // Sloppy functions, where `arguments` may be written.
  expect(returnsFields(made(text), fields, 1)).toBe(false)
})
