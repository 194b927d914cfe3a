/** Input that is broken, missing or not what it was declared to be: file, line and what to do. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { headrace } from '../front/cli/run-headrace.ts'
import { failureOf, formNames, run } from './failure.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'headrace-input-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const limitMs = 8000

const write = (name: string, content: string | Uint8Array): void => writeFileSync(path.join(folder, name), content)
write('quote.csv', 'a,b\n1,2\n3,"un\nclosed\n')
write('columns.csv', 'a,b\n1,2\n3\n4,5,6\n7,8\n')
write('types.csv', 'a,b\n1,2\nx,3\n4,5\n')
write('broken.jsonl', '{"a":1}\n{"a":2\n{"a":3}\n\nnot json\n')
write('mixed.jsonl', '{"a":1}\n5\n{"a":"x"}\n')
write('text.parquet', 'this is no parquet file, whatever its name')
write('short.parquet', 'PAR1')
write('footer.parquet', Buffer.concat([Buffer.from('PAR1'), Buffer.alloc(100), Buffer.from([50, 0, 0, 0]), Buffer.from('PAR1')]))
write('broken.csv.gz', 'not gzip')
mkdirSync(path.join(folder, 'empty'))

const program = (name: string, format: string, options = '') =>
  `import { arrowIpc, csv, fileSource, jsonLines, parquet, t } from 'headrace'
export default (env) => void env.fromSource(fileSource({ path: ${JSON.stringify(path.join(folder, name))}, format: ${format}${options} }), { name: 'mine' }).print()`

const csvHint =
  "  Correct the file, declare the type with csv({ type: t.row({ ... }) }), or leave such records out: csv({ onMalformed: 'skip' }) counts them."
const jsonHint = "  Correct the line, or leave such lines out: jsonLines({ onMalformed: 'skip' }) counts them."
const parquetHint = '  Check that it is a whole Parquet file; in a folder, other files can be hidden by a name that begins with _ or .'
const missingHint = '  Check the spelling; a relative path is taken from the folder in which the program was started.'
const globHint = '  Patterns are not expanded: name the folder, which is read whole (in/), or pass the files one by one (paths: [...]).'

/** The message after `cannot`, FILE standing for the path; the hint; the line. */
const cases: [string, string, string, string, string, number | undefined][] = [
  ['a quote that is never closed', 'quote.csv', 'csv()', 'read FILE line 3 as CSV: a quote is never closed: "3,\\"un"', csvHint, 3],
  [
    'a record with too few fields',
    'columns.csv',
    'csv()',
    'read FILE line 3 as CSV: the record has 1 fields, the file 2 columns: "3"',
    csvHint,
    3,
  ],
  [
    'a CSV field of another type than declared',
    'types.csv',
    'csv({ type: t.row({ a: t.int32, b: t.int32 }) })',
    'read FILE line 3 as CSV: column \'a\' is "x", not of its type int32: "x,3"',
    csvHint,
    3,
  ],
  ['a line that is no JSON', 'broken.jsonl', 'jsonLines()', 'read FILE line 2 as JSON: no valid JSON: "{\\"a\\":2"', jsonHint, 2],
  [
    'JSON of another type than declared',
    'mixed.jsonl',
    'jsonLines({ type: t.row({ a: t.int32 }) })',
    'read FILE line 2 as JSON: the value is number 5, not an object: "5"',
    jsonHint,
    2,
  ],
  [
    'a file that is no Parquet',
    'text.parquet',
    'parquet()',
    'read FILE as Parquet: parquet file invalid (footer != PAR1)',
    parquetHint,
    undefined,
  ],
  ['a Parquet file of four bytes', 'short.parquet', 'parquet()', 'read FILE as Parquet: it has 4 bytes', parquetHint, undefined],
  [
    'a Parquet file with a damaged footer',
    'footer.parquet',
    'parquet()',
    'read FILE as Parquet: its footer is damaged',
    parquetHint,
    undefined,
  ],
  [
    'a file that is no gzip',
    'broken.csv.gz',
    'csv()',
    'decompress FILE as gzip: incorrect header check',
    '  The file is cut short or not what its extension says: fetch it again, or rename it.',
    undefined,
  ],
  ['a file that is not there', 'nowhere.csv', 'csv()', 'read FILE: there is no such file or folder', missingHint, undefined],
  ['a pattern', '*.csv', 'csv()', 'read FILE: there is no such file or folder', globHint, undefined],
]

test.each(formNames.flatMap((form) => cases.map(([what, ...rest]) => [what, form, ...rest] as const)))(
  '%s fails with file and line, %s',
  { timeout: limitMs },
  async (_what, form, name, format, message, hint, line) => {
    const { text, place } = await failureOf(program(name, format), form)
    const lines = text.split('\n')
    expect(lines[0]).toBe(`headrace: cannot ${message.replace('FILE', path.join(folder, name))}`)
    expect(lines[1]).toBe(hint)
    expect(lines[2]).toMatch(/^ {2}at operator mine(, subtask 0)?$/)
    expect(place).toMatchObject({
      job: 'headrace job',
      operator: 'mine',
      file: path.join(folder, name),
      ...(line !== undefined && { line }),
    })
  },
)

test.each(
  formNames.flatMap((form) => [
    [form, 'columns.csv', "csv({ onMalformed: 'skip' })", ['{ a: 1, b: 2 }', '{ a: 7, b: 8 }']] as const,
    [form, 'broken.jsonl', "jsonLines({ onMalformed: 'skip' })", ['{ a: 1 }', '{ a: 3 }']] as const,
    [form, 'mixed.jsonl', "jsonLines({ type: t.row({ a: t.int32 }), onMalformed: 'skip' })", ['{ a: 1 }']] as const,
  ]),
)('skipped records are left out and counted, %s, %s', { timeout: limitMs }, async (form, name, format, rows) => {
  const { lines, jobs } = await run(program(name, format), { form })
  expect(lines).toEqual(rows)
  expect((await jobs[0]!.result).counters).toEqual({ malformedRecordsSkipped: 2 })
})

test('the user is told how many records were left out', async () => {
  const file = path.join(folder, 'skips.ts')
  writeFileSync(file, program('columns.csv', "csv({ onMalformed: 'skip' })"))
  const { stdout, stderr, code } = await headrace('run', file, '-p', '1')
  expect({ stdout, stderr, code }).toEqual({
    stdout: '{ a: 1, b: 2 }\n{ a: 7, b: 8 }\n',
    stderr: 'headrace: warning: skips left out 2 malformed records of its input\n',
    code: 0,
  })
})

test('an empty folder is an input without records', async () => {
  expect((await run(program('empty/', 'csv()'))).lines).toEqual([])
})

test.each([
  [
    'csv({ seperator: 1 })',
    "csv() has no option 'seperator'",
    'It has columns, header, delimiter, type, infer, nullTexts, multiline, onMalformed.',
  ],
  ["csv({ delimeter: ';' })", "csv() has no option 'delimeter'", 'Did you mean delimiter?'],
  ["csv({ onMalformed: 'ignore' })", "csv(): onMalformed is 'ignore'", "It is 'fail' or 'skip'."],
  [
    'csv({ delimiter: 5 })',
    'csv(): the delimiter 5 is not one character other than a quote or line end',
    "Write delimiter: ';' or delimiter: '\\t'.",
  ],
  [
    'csv({ columns: { a: t.int32 } })',
    'csv(): columns is not a list of names',
    "Name them in order: csv({ columns: ['id', 'name'] }); types are declared with csv({ type: t.row({ ... }) }).",
  ],
  ["jsonLines({ onmalformed: 'skip' })", "jsonLines() has no option 'onmalformed'", 'Did you mean onMalformed?'],
  ["parquet({ column: ['a'] })", "parquet() has no option 'column'", 'Did you mean columns?'],
  ["csv(), splitBytes: '5 mb'", 'fileSource() was given splitBytes 5 mb', 'Pass a number of bytes above 0.'],
  ['csv(), monitorIntervall: 5', "fileSource() has no option 'monitorIntervall'", 'Did you mean monitorInterval?'],
])('an option that is wrong is refused when it is written: %s', async (format, message, hint) => {
  const { code, text } = await failureOf(program('types.csv', format), 'inline')
  expect(code).toBe('INVALID_ARGUMENT')
  expect(text).toBe(`headrace: ${message}\n  ${hint}`)
})

test.each(formNames)(
  'a row that is not of its declared type says so where it leaves its operator, %s',
  { timeout: limitMs },
  async (form) => {
    const returns = `import { t } from 'headrace'
export default (env) => void env.fromData([1, 2]).map((n) => ({ a: n === 2 ? 'x' : n }), { name: 'mine', returns: t.row({ a: t.int32 }) }).rebalance().print()`
    const { code, text } = await failureOf(returns, form)
    expect(code).toBe('TYPE_MISMATCH')
    expect(text).toBe(
      "headrace: Operator 'mine': field 'a' is declared t.int32, but a record came with the string \"x\"\n" +
        '  Change the declared type, or convert the value (the string "x") before this operator.\n  at subtask 0, record 2 of a batch that begins at item 0',
    )
  },
)

test.each(formNames)('a file that vanishes between enumeration and reading is named, %s', { timeout: limitMs }, async (form) => {
  const gone = mkdtempSync(path.join(folder, 'vanish-'))
  for (const name of ['a', 'b']) writeFileSync(path.join(gone, `${name}.csv`), 'n\n1\n')
  // The first record removes the second file, which is listed by then.
  const text = `import { rmSync } from 'node:fs'
import { csv, fileSource } from 'headrace'
export default (env) => void env.fromSource(fileSource({ path: ${JSON.stringify(gone)}, format: csv() }), { name: 'mine' })
  .map((row) => { rmSync(${JSON.stringify(path.join(gone, 'b.csv'))}, { force: true }); return row }).print()`
  const failure = await failureOf(text, form)
  expect(failure.code).toBe('FILE_NOT_FOUND')
  expect(failure.text.split('\n').slice(0, 3)).toEqual([
    `headrace: cannot read ${path.join(gone, 'b.csv')}: there is no such file or folder`,
    missingHint,
    '  at operator mine, subtask 0',
  ])
})
