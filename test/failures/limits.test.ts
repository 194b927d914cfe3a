/** Large rows, wide rows, many rows in one call, and rows that change shape: every value arrives, or a limit is named. */
import { expect, test } from 'vitest'
import { failureOf, formNames, run } from './failure.ts'

const limitMs = 20_000
const main = (body: string) => `export default async (env) => {\n  ${body}\n}`
const both = ['inline', 'threads'] as const

test.each(formNames)('a schema that changes in mid-stream keeps every value, %s', async (form) => {
  const rows = '[{ a: 1 }, { a: 2.5 }, { a: "x" }, { a: null }, { b: 1 }, { a: 1, b: 2, c: 3 }, 5, "x", null, [1], { a: { b: 1 } }]'
  const { value } = await run(main(`return env.fromData(${rows}).rebalance().map((row) => row).executeAndCollect()`), { form })
  expect(value).toMatchObject([
    { a: 1 },
    { a: 2.5 },
    { a: 'x' },
    { a: null },
    { b: 1 },
    { a: 1, b: 2, c: 3 },
    5,
    'x',
    null,
    [1],
    { a: { b: 1 } },
  ])
})

test.each(formNames)('unusual values come back equal, %s', async (form) => {
  const values =
    '["\\ud800x", "", NaN, Infinity, -Infinity, -0, 10n, -(2n ** 70n), new Date(5), new Uint8Array([1, 2]), { b: { c: [1, [2, null]] } }, new Map([[1, 2]]), undefined, "é".repeat(300000)]'
  const text = `const values = ${values}\n${main('return env.fromData(values.map((a, i) => ({ i, a }))).rebalance().map((row) => row).executeAndCollect()')}`
  const { value } = await run(text, { form })
  expect(value.map((row: { a: unknown }) => row.a)).toEqual([
    '\ufffdx',
    '',
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    -0,
    10n,
    -(2n ** 70n),
    new Date(5),
    new Uint8Array([1, 2]),
    { b: { c: [1, [2, null]] } },
    new Map([[1, 2]]),
    null,
    'é'.repeat(300_000),
  ])
})

test.each(
  both.flatMap(
    (form) =>
      [
        [form, 200],
        [form, 300],
      ] as const,
  ),
)('rows of many columns pass, %s, %i', { timeout: limitMs }, async (form, columns) => {
  const text = `const wide = (n) => Object.fromEntries(Array.from({ length: ${columns} }, (_, i) => ['c' + i, i % 3 === 0 ? 's' + n : n + i]))
${main('const rows = await env.fromSequence(1, 500).map(wide).rebalance().map((row) => row).executeAndCollect()\n  return rows.filter((row, i) => JSON.stringify(row) === JSON.stringify(wide(i + 1))).length')}`
  expect((await run(text, { form })).value).toBe(500)
})

test.each(both)('a record of 100 MB passes an exchange, %s', { timeout: limitMs }, async (form) => {
  const text = main(
    "return env.fromSequence(1, 2).map((n) => ({ n, text: 'x'.repeat(100e6) + n })).rebalance().map(({ n, text }) => [n, text.length, text.slice(-2)]).executeAndCollect()",
  )
  expect((await run(text, { form })).value).toEqual([
    [1, 100_000_001, 'x1'],
    [2, 100_000_001, 'x2'],
  ])
})

test.each(formNames)('a record over the limit names operator and option, %s', async (form) => {
  const text = main(
    "env.fromSequence(1, 2).map((n) => ({ n, text: 'x'.repeat(2e6) }), { name: 'mine' }).rebalance().map((row) => row.n).print()",
  )
  const failure = await failureOf(text, form, { config: { 'execution.max-record-size': '1 mb' } })
  expect(failure.code).toBe('RECORD_TOO_LARGE')
  expect(failure.place).toMatchObject({ operator: 'mine', option: 'execution.max-record-size', subtask: 0 })
  expect(failure.text).toMatch(
    /^headrace: Operator 'mine' emitted a record of about 1\.91 mb, and execution\.max-record-size allows 1 mb\n {2}Raise execution\.max-record-size, or split the record\./,
  )
})

test.each(formNames)('one record over both limits is too large a record, not too many rows, %s', { timeout: limitMs }, async (form) => {
  const config = { 'execution.max-record-size': '1 mb', 'execution.max-output-overdraft': '1 mb' }
  const mine = "env.fromSequence(1, 2).map((n) => ({ n, text: 'x'.repeat(2e6) }), { name: 'mine' })"
  const failure = await failureOf(main(`${mine}.rebalance().map((row) => row.n).print()`), form, { config })
  expect(failure.code).toBe('RECORD_TOO_LARGE')
  expect(failure.text).toMatch(
    /^headrace: Operator 'mine' emitted a record of about 1\.91 mb, and execution\.max-record-size allows 1 mb\n {2}Raise execution\.max-record-size, or split the record\./,
  )
})

test.each(formNames)('a large record beside small ones of one call is not taken for many, %s', { timeout: limitMs }, async (form) => {
  const text = main(
    "return env.fromSequence(1, 1).flatMap((n) => ['x'.repeat(600_000), 'a', 'b', 'c']).rebalance().map((text) => text.length).executeAndCollect()",
  )
  expect((await run(text, { form, config: { 'execution.max-output-overdraft': '1 mb' } })).value).toEqual([600_000, 1, 1, 1])
})

test.each(
  formNames.flatMap(
    (form) =>
      [
        [form, '() => 1', 'a function'],
        [form, 'Symbol("x")', 'a symbol'],
      ] as const,
  ),
)('a value that cannot travel names field and operator, %s, %s', async (form, value, what) => {
  const { code, text } = await failureOf(
    main(`env.fromSequence(1, 2).map((n) => ({ n, f: ${value} }), { name: 'mine' }).rebalance().map((row) => row.n).print()`),
    form,
  )
  expect(code).toBe('TYPE_MISMATCH')
  expect(text.split('\n').slice(0, 3)).toEqual([
    `headrace: Operator 'mine': field 'f' holds ${what}, which cannot leave its thread`,
    '  Functions, symbols, promises, proxies and other live objects cannot be copied. Leave the field out, or turn it into plain data.',
    '  at subtask 0',
  ])
})

test.each(both)('a class instance crosses as its own fields, %s', async (form) => {
  const text = `class Point { constructor(x) { this.x = x } get double() { return 2 * this.x } }
${main('return env.fromSequence(1, 1).map((n) => new Point(n)).rebalance().map((row) => ({ row, isPoint: row instanceof Point })).executeAndCollect()')}`
  expect((await run(text, { form })).value).toEqual([{ row: { x: 1 }, isPoint: false }])
})

test.each(formNames)('a million rows from one call pass, %s', { timeout: limitMs }, async (form) => {
  const text = main(
    'return env.fromSequence(1, 1).flatMap((n, out) => { for (let i = 0; i < 1e6; i++) out.collect({ i }) }).rebalance().filter((row) => row.i % 250000 === 0).executeAndCollect()',
  )
  expect((await run(text, { form })).value).toEqual([{ i: 0 }, { i: 250_000 }, { i: 500_000 }, { i: 750_000 }])
})

test.each(formNames)('rows without end from one call fail with the operator that made them, %s', { timeout: limitMs }, async (form) => {
  const text = main(
    "env.fromSequence(1, 1).flatMap(function* () { for (let i = 0;; i++) yield { i } }, { name: 'mine' }).map((row) => row, { name: 'passes on' }).rebalance().filter(() => false).print()",
  )
  const failure = await failureOf(text, form, { config: { 'execution.max-output-overdraft': '10 mb' } })
  expect(failure.code).toBe('OUTPUT_OVERFLOW')
  expect(failure.place).toMatchObject({ operator: 'mine', option: 'execution.max-output-overdraft', subtask: 0 })
  expect(failure.text).toMatch(
    /^headrace: One call of operator 'mine' made too many rows\. Operator 'passes on' emitted more than 10 mb of rows in one call, \d+ of which wait for their consumers\n {2}Emit fewer rows per call, or raise execution\.max-output-overdraft\./,
  )
})
