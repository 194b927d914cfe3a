import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DataType, Type } from '../../../src/base/columnar/data-type.ts'
import { MemoryFileSystem } from '../../../src/base/filesystem/memory-file-system.ts'
import { type CsvOptions, csv } from '../../../src/program/connector/csv.ts'
import { csvSink } from '../../../src/program/connector/csv-sink.ts'
import { fileSource } from '../../../src/program/connector/file-source.ts'
import { writeFile } from '../../support/file-system-contract.ts'
import { publish } from '../../support/publish.ts'
import { readAll, SourceHarness } from '../../support/source-harness.ts'
import { testContext } from '../../support/test-context.ts'

async function read(content: string, options: CsvOptions<any> = {}, splitBytes?: number): Promise<SourceHarness> {
  const fileSystem = new MemoryFileSystem()
  await writeFile(fileSystem, '/f.csv', content)
  return readAll(fileSource({ path: '/f.csv', format: csv(options), splitBytes }), { fileSystem })
}
const records = async (...args: Parameters<typeof read>) => (await read(...args)).records

const rowType = (fields: Record<string, DataType['kind'] | [DataType['kind']]>): Type<any> => ({
  nullable: false,
  dataType: {
    kind: 'struct',
    fields: Object.entries(fields).map(([name, kind]) => ({
      name,
      type: { kind: Array.isArray(kind) ? kind[0] : kind } as DataType,
      nullable: Array.isArray(kind),
    })),
  },
})

describe('csv', () => {
  it('takes the names from the header and finds numbers and booleans', async () => {
    expect(await records('name,n,ok\nanna,1,true\nbob,-2.5e3,false\n')).toEqual([
      { name: 'anna', n: 1, ok: true },
      { name: 'bob', n: -2500, ok: false },
    ])
  })

  it('emits columns with typed arrays, not rows', async () => {
    const unit = (await read('name,n,ok\nanna,1,true\n')).outputs[0]?.units[0]?.unit
    expect(unit).toMatchObject({
      kind: 'columns',
      columns: [
        { name: 'name', kind: 'utf8', values: ['anna'] },
        { name: 'n', kind: 'float64', values: new Float64Array([1]) },
        { name: 'ok', kind: 'boolean', values: new Uint8Array([1]) },
      ],
    })
  })

  it('knows quotes, doubled quotes, delimiters and line ends within quotes', async () => {
    expect(await records('a,b\r\n"x, ""y""","line 1\nline 2\r\n"\r\n"",plain\r\n')).toEqual([
      { a: 'x, "y"', b: 'line 1\nline 2\r\n' },
      { a: '', b: 'plain' },
    ])
  })

  it('takes an empty field for null, and texts that stand for it', async () => {
    expect(await records('a,b,c\n1,,x\n,NA,\n3,true,NA\n', { nullTexts: ['NA'] })).toEqual([
      { a: 1, b: null, c: 'x' },
      { a: null, b: null, c: null },
      { a: 3, b: true, c: null },
    ])
  })

  it('leaves as strings what would not be written the same again', async () => {
    expect(await records('zip,id,n\n00501,12345678901234567890,0.10\n10001,2,-0\n')).toEqual([
      { zip: '00501', id: '12345678901234567890', n: 0.1 },
      { zip: '10001', id: '2', n: -0 },
    ])
  })

  it('reads all as strings without inference', async () => {
    expect(await records('a,b\n1,true\n', { infer: false })).toEqual([{ a: '1', b: 'true' }])
  })

  it('takes column names from the options, another delimiter, and a byte order mark away', async () => {
    expect(await records('1;2\n3;4', { columns: ['x', 'y'], delimiter: ';' })).toEqual([
      { x: 1, y: 2 },
      { x: 3, y: 4 },
    ])
    expect(await records('\uFEFFa\tb\n1\t2\n', { delimiter: '\t' })).toEqual([{ a: 1, b: 2 }])
    expect(await records('a,b\n1,2\n', { columns: ['x', 'y'], header: true })).toEqual([{ x: 1, y: 2 }])
  })

  it('skips blank lines, but with one column a blank line is a null', async () => {
    expect(await records('a,b\n\n1,2\n\r\n3,4\n\n')).toEqual([
      { a: 1, b: 2 },
      { a: 3, b: 4 },
    ])
    expect(await records('a\n1\n\n2\n')).toEqual([{ a: 1 }, { a: null }, { a: 2 }])
  })

  it('reads a file of nothing, of a header alone, and without a last line end', async () => {
    expect(await records('')).toEqual([])
    expect(await records('a,b')).toEqual([])
    expect(await records('a,b\n1,2')).toEqual([{ a: 1, b: 2 }])
    expect(await records('a,b\n1,"2"')).toEqual([{ a: 1, b: 2 }])
    expect(await records('a,b\n1,')).toEqual([{ a: 1, b: null }])
  })

  it('reads the columns of the declared type only, as the type says', async () => {
    const type = rowType({ big: 'bigint', at: 'timestamp', day: 'date', id: 'int32', size: 'int64', name: ['utf8'] })
    const content = 'name,skipped,id,size,at,day,big\n,x,7,9007199254740991,2020-01-01T00:00:00Z,2020-01-02,123456789012345678901\n'
    expect(await records(content, { type })).toEqual([
      { name: null, id: 7, size: 9007199254740991, at: 1577836800000, day: new Date('2020-01-02'), big: 123456789012345678901n },
    ])
  })

  it('says which declared column the file does not have', async () => {
    await expect(read('a,b\n1,2\n', { type: rowType({ c: 'int32' }) })).rejects.toMatchObject({
      code: 'TYPE_MISMATCH',
      message: expect.stringMatching(/\/f\.csv.*no column 'c'.*it has a, b/),
    })
  })

  const malformed: [string, string, CsvOptions<any>, number, RegExp][] = [
    ['too few fields', 'a,b\n1,2\n3\n', {}, 3, /the record has 1 fields, the file 2 columns: "3"/],
    ['too many fields', 'a,b\n1,2,3\n', {}, 2, /3 fields, the file 2 columns/],
    ['text after a quote', 'a,b\n1,2\n"x"y,2\n', { infer: false }, 3, /text follows the closing quote of column 'a'/],
    ['a quote that is never closed', 'a,b\n1,2\n"x,2\n5,6\n', { infer: false }, 3, /a quote is never closed/],
    [
      'a value that is not of the declared type',
      'a\n1\n2.5\n',
      { type: rowType({ a: 'int32' }) },
      3,
      /column 'a' is "2.5", not of its type int32/,
    ],
    ['an empty value where null is not allowed', 'a,b\n1,\n', { type: rowType({ a: 'int32', b: 'int32' }) }, 2, /column 'b' is empty/],
    [
      'a value that is not of the type that was found',
      `a\n${'1\n'.repeat(2_000)}x\n`,
      {},
      2_002,
      /column 'a' is "x", not of its type float64, which was found/,
    ],
    [
      'a line end within quotes where there is none',
      'a,b\n1,"2\n3",4\n',
      { multiline: false, infer: false },
      2,
      /quoted field goes over a line end/,
    ],
  ]
  for (const [what, content, options, line, message] of malformed) {
    it(`fails on ${what}, with file and line`, async () => {
      await expect(read(content, options)).rejects.toMatchObject({
        code: 'MALFORMED_INPUT',
        place: { file: '/f.csv', line },
        message: expect.stringMatching(message),
      })
    })
  }

  it('skips and counts bad records, also right after one another, and goes on with the next line', async () => {
    const content = 'a,b\n1,2\n3\n4,5,6\n"x"y,1\n7,8\n"never closed,9\n10,11\n'
    const harness = await read(content, { onMalformed: 'skip', type: rowType({ a: 'int32', b: 'int32' }) })
    expect(harness.records).toEqual([
      { a: 1, b: 2 },
      { a: 7, b: 8 },
      { a: 10, b: 11 },
    ])
    expect(harness.contexts[0]?.counters).toEqual({ malformedRecordsSkipped: 4 })
  })

  it('names a column that the header has twice', async () => {
    await expect(read('a,b,a\n1,2,3\n')).rejects.toMatchObject({ code: 'MALFORMED_INPUT', message: expect.stringContaining("'a' twice") })
  })

  it('cuts a file into splits when told that no field holds a line end', async () => {
    const content = `i,text\n${Array.from({ length: 1_000 }, (_, i) => `${i},"text, ${i}"`).join('\n')}\n`
    const harness = await read(content, { multiline: false }, 1_000)
    expect(harness.assigned.length).toBeGreaterThan(10)
    expect(harness.records).toEqual(Array.from({ length: 1_000 }, (_, i) => ({ i, text: `text, ${i}` })))
    expect((await read(content, {}, 1_000)).assigned).toHaveLength(1)
  })

  it('goes on right after the last record from a snapshot at any point, header and long fields included', async () => {
    const rows = Array.from({ length: 9_000 }, (_, i) => ({ i, text: `${'x'.repeat(i % 40)}${i % 3 === 0 ? '\n' : ''}"` }))
    rows[4_000] = { i: 4_000, text: 'long\n'.repeat(60_000) }
    const fileSystem = new MemoryFileSystem()
    await writeFile(fileSystem, '/f.csv', `\uFEFFi,text\n${rows.map(({ i, text }) => `${i},"${text.replaceAll('"', '""')}"`).join('\n')}`)
    const source = fileSource({ path: '/f.csv', format: csv() })
    for (const units of [0, 1, 2, 3, 4, 5]) {
      const first = await new SourceHarness(source, { fileSystem }).start()
      await first.pollUntil(() => (first.outputs[0]?.units.length ?? 0) >= units)
      const snapshot = first.snapshot()
      await first.close()
      const second = await readAll(source, { fileSystem, restored: snapshot })
      expect([...first.records, ...second.records]).toEqual(rows)
    }
  })

  it('loses no byte of a file that is not all UTF-8 where a record goes over the end of a piece', async () => {
    // é and ï in Latin-1, ä in UTF-8.
    const rows = Array.from({ length: 4_000 }, (_, i) => `${i},"caf\xe9\nna\xefve \xc3\xa4\n${'x'.repeat(i % 50)}"\n`)
    const fileSystem = new MemoryFileSystem()
    await writeFile(fileSystem, '/f.csv', Buffer.from(`id,text\n${rows.join('')}`, 'latin1'))
    const { records } = await readAll(fileSource({ path: '/f.csv', format: csv<{ id: number; text: string }>() }), { fileSystem })
    expect(records).toEqual(rows.map((_, i) => ({ id: i, text: `caf\uFFFD\nna\uFFFDve ä\n${'x'.repeat(i % 50)}` })))
  })

  it('reads a field of 100 MB with line ends in it', async () => {
    const long = `${'x'.repeat(99)}\n`.repeat(1_000_000)
    const [first, second] = (await records(`a,b\n1,"${long}"\n2,y\n`, { infer: false })) as { a: string; b: string }[]
    expect([first?.a, first?.b.length, second]).toEqual(['1', 100_000_000, { a: '2', b: 'y' }])
  })

  it('reads back what csvSink wrote', async () => {
    const text = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', ' ', 'ü', '0') })
    const row = fc.record({ a: fc.option(text), b: fc.option(fc.double({ noNaN: true })), c: fc.option(fc.boolean()) })
    const type = rowType({ a: ['utf8'], b: ['float64'], c: ['boolean'] })
    await fc.assert(
      fc.asyncProperty(fc.array(row), async (rows) => {
        const ctx = testContext()
        const sink = csvSink<(typeof rows)[number]>({ path: '/f.csv', columns: ['a', 'b', 'c'] })
        const writer = await sink.createWriter(ctx)
        for (const record of rows) await writer.write(record, { timestamp: null, currentWatermark: 0 })
        await publish(sink, ctx, writer)
        const harness = await readAll(fileSource({ path: '/f.csv', format: csv({ type }) }), { fileSystem: ctx.fileSystem })
        expect(harness.records).toEqual(rows.map(({ a, b, c }) => ({ a, b: b === 0 ? 0 : b, c })))
      }),
      { numRuns: 200 },
    )
  })

  it('refuses options that make no sense', () => {
    expect(() => csv({ delimiter: '::' })).toThrow(/delimiter/)
    expect(() => csv({ header: false })).toThrow(/neither a header/)
    expect(() => csv({ columns: ['a', 'a'] })).toThrow(/named twice/)
    expect(() => csv({ type: { dataType: { kind: 'utf8' }, nullable: false } })).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('t.row') }),
    )
  })
})
