import { gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MemoryFileSystem } from '../../../src/base/filesystem/memory-file-system.ts'
import { csv } from '../../../src/program/connector/csv.ts'
import { fileSource } from '../../../src/program/connector/file-source.ts'
import { jsonLines } from '../../../src/program/connector/json-lines.ts'
import { textLines } from '../../../src/program/connector/text-lines.ts'
import { writeFile } from '../../support/file-system-contract.ts'
import { readAll, SourceHarness } from '../../support/source-harness.ts'

async function filesOf(files: Record<string, string | Uint8Array>): Promise<MemoryFileSystem> {
  const fileSystem = new MemoryFileSystem()
  for (const [path, content] of Object.entries(files)) await writeFile(fileSystem, path, content)
  return fileSystem
}

async function linesOf(content: string | Uint8Array, path = '/f.txt', splitBytes?: number): Promise<unknown[]> {
  const fileSystem = await filesOf({ [path]: content })
  return (await readAll(fileSource({ path, format: textLines(), splitBytes }), { fileSystem, parallelism: 3 })).outputs.flatMap(
    (output) => output.records,
  )
}

describe('textLines', () => {
  it('reads lines, whether or not the last one ends', async () => {
    expect(await linesOf('a\nb\n')).toEqual(['a', 'b'])
    expect(await linesOf('a\nb')).toEqual(['a', 'b'])
    expect(await linesOf('')).toEqual([])
    expect(await linesOf('\n\na\n')).toEqual(['', '', 'a'])
  })

  it('takes CRLF and a byte order mark away, and nothing else', async () => {
    expect(await linesOf('\uFEFFa\r\nb \r\n\r\nc\rd')).toEqual(['a', 'b ', '', 'c\rd'])
    expect(await linesOf('\uFEFF')).toEqual([])
  })

  it('reads what is compressed by the extension', async () => {
    const text = Array.from({ length: 50_000 }, (_, i) => `line ${i} ä`).join('\n')
    expect(await linesOf(gzipSync(text), '/f.txt.gz')).toEqual(text.split('\n'))
    expect(await linesOf(zstdCompressSync(text), '/f.zst')).toEqual(text.split('\n'))
    const twoMembers = Buffer.concat([gzipSync('a\nb'), gzipSync('c\n')])
    expect(await linesOf(twoMembers, '/f.gz')).toEqual(['a', 'bc'])
  })

  it('names the file when what is compressed is cut short, no such thing, or unknown', async () => {
    const cut = gzipSync('some text that is long enough'.repeat(100)).subarray(0, 60)
    await expect(linesOf(cut, '/cut.gz')).rejects.toMatchObject({ code: 'MALFORMED_INPUT', message: expect.stringContaining('/cut.gz') })
    await expect(linesOf('plain', '/plain.gz')).rejects.toMatchObject({
      code: 'MALFORMED_INPUT',
      hint: expect.stringContaining('extension'),
    })
    await expect(linesOf('x', '/f.bz2')).rejects.toMatchObject({ code: 'UNSUPPORTED', message: expect.stringContaining('.bz2') })
  })

  it('gives each line to exactly one split, wherever the cuts fall', async () => {
    const line = fc.string({ unit: fc.constantFrom('a', 'ä', '€', '😀', ' ', ''), maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 30 }),
        fc.integer({ min: 1, max: 40 }),
        fc.constantFrom('\n', '\r\n'),
        fc.boolean(),
        async (lines, splitBytes, lineEnd, ends) => {
          const content = lines.join(lineEnd) + (ends ? lineEnd : '')
          const expected = content.split(lineEnd)
          if (expected.at(-1) === '') expected.pop()
          const fileSystem = await filesOf({ '/f': content })
          const read = await readAll(fileSource({ path: '/f', format: textLines(), splitBytes }), { fileSystem })
          expect(read.records).toEqual(expected)
        },
      ),
      { numRuns: 150 },
    )
  })

  it('goes on right after the last record from a snapshot at any point', async () => {
    const lines = Array.from({ length: 30_000 }, (_, i) => `${i} ${'ä'.repeat(i % 7)}`)
    for (const [path, content] of [
      ['/f.txt', lines.join('\n')],
      ['/f.gz', gzipSync(lines.join('\n'))],
    ] as const) {
      const fileSystem = await filesOf({ [path]: content })
      const source = fileSource({ path, format: textLines(), splitBytes: 100_000 })
      for (const units of [0, 1, 2, 5, 9]) {
        const first = await new SourceHarness(source, { fileSystem }).start()
        await first.pollUntil(() => (first.outputs[0]?.units.length ?? 0) >= units)
        const snapshot = first.snapshot()
        await first.close()
        const second = await readAll(source, { fileSystem, restored: snapshot })
        expect([...first.records, ...second.records]).toEqual(lines)
      }
    }
  })

  it('emits units of some thousand lines and says where each begins', async () => {
    const fileSystem = await filesOf({ '/f': 'x\n'.repeat(10_000) })
    const read = await readAll(fileSource({ path: '/f', format: textLines() }), { fileSystem })
    expect(read.outputs[0]?.units.map(({ unit, position }) => [unit.kind === 'rows' && unit.rows.length, position])).toEqual([
      [4_096, '/f line 1'],
      [4_096, '/f line 4097'],
      [1_808, '/f line 8193'],
    ])
  })

  it('reads a line of 100 MB among short ones', async () => {
    const long = Buffer.alloc(100_000_000, 'x')
    const content = Buffer.concat([Buffer.from('first\n'), long, Buffer.from('\nlast\n')])
    const lines = (await linesOf(content)) as string[]
    expect(lines.map((line) => line.length)).toEqual([5, 100_000_000, 4])
    expect([lines[0], lines[2], lines[1]?.at(-1)]).toEqual(['first', 'last', 'x'])
  })
})

describe('jsonLines', () => {
  const read = async (content: string, format = jsonLines(), splitBytes?: number) => {
    const fileSystem = await filesOf({ '/f.jsonl': content })
    return readAll(fileSource({ path: '/f.jsonl', format, splitBytes }), { fileSystem })
  }

  it('reads one value a line and skips empty lines', async () => {
    expect((await read('{"a":1}\n\n  \n[2]\r\n"x"\nnull')).records).toEqual([{ a: 1 }, [2], 'x', null])
  })

  it('fails on a line that is no JSON, with file, line, excerpt and a way out', async () => {
    const failing = read(`{"a":1}\n\n{"a":${'1'.repeat(200)}\n`)
    await expect(failing).rejects.toMatchObject({
      code: 'MALFORMED_INPUT',
      place: { file: '/f.jsonl', line: 3 },
      message: expect.stringMatching(/^cannot read \/f\.jsonl line 3 as JSON: no valid JSON: "\{\\"a\\":1+\.\.\."$/),
      hint: expect.stringContaining("onMalformed: 'skip'"),
    })
  })

  it('names the line of the whole file also from a split in its middle', async () => {
    const content = `${'{"a":1}\n'.repeat(100)}broken\n${'{"a":1}\n'.repeat(100)}`
    await expect(read(content, jsonLines(), 150)).rejects.toMatchObject({ place: { line: 101 } })
  })

  it('skips and counts what it cannot read when told to', async () => {
    const harness = await read('{"a":1}\nbroken\n{"a":2}\n{\n', jsonLines({ onMalformed: 'skip' }))
    expect(harness.records).toEqual([{ a: 1 }, { a: 2 }])
    expect(harness.contexts[0]?.counters).toEqual({ malformedRecordsSkipped: 2 })
  })

  it('keeps a field called __proto__ as data', async () => {
    const [record] = (await read('{"__proto__":{"x":1}}')).records as object[]
    expect(Object.keys(record ?? {})).toEqual(['__proto__'])
    expect(({} as { x?: unknown }).x).toBeUndefined()
  })
})

describe('fileSource', () => {
  const names = async (fileSystem: MemoryFileSystem, path: string) =>
    (await readAll(fileSource({ path, format: textLines() }), { fileSystem })).records

  it('reads folders with all below them in the order of their paths, but hidden files', async () => {
    const fileSystem = await filesOf({
      '/in/b': 'b',
      '/in/a/x': 'ax',
      '/in/.hidden': 'no',
      '/in/_temporary/part': 'no',
      '/in/c/.d/e': 'no',
      '/in/c/d/e': 'cde',
    })
    expect(await names(fileSystem, '/in')).toEqual(['ax', 'b', 'cde'])
    expect(await names(fileSystem, '/in/')).toEqual(['ax', 'b', 'cde'])
    expect(await names(fileSystem, '/in/.hidden')).toEqual(['no'])
  })

  it('reads several paths, and a file that is named twice once', async () => {
    const fileSystem = await filesOf({ '/a': 'a', '/b': 'b' })
    const read = await readAll(fileSource({ paths: ['/b', '/a', '/b'], format: textLines() }), { fileSystem })
    expect(read.records).toEqual(['b', 'a'])
  })

  it('ends at once on a folder without files', async () => {
    const fileSystem = new MemoryFileSystem()
    await fileSystem.mkdir('/in')
    expect(await names(fileSystem, '/in')).toEqual([])
  })

  it('says which file is not there, also when it vanished after it was found', async () => {
    await expect(names(new MemoryFileSystem(), '/in/x')).rejects.toMatchObject({
      code: 'FILE_NOT_FOUND',
      message: expect.stringContaining('/in/x'),
    })
    const fileSystem = await filesOf({ '/in/x': 'x' })
    const harness = await new SourceHarness(fileSource({ path: '/in', format: textLines() }), { fileSystem }).start()
    await fileSystem.remove('/in/x')
    await expect(harness.drain()).rejects.toMatchObject({ code: 'FILE_NOT_FOUND', place: { file: '/in/x' } })
    await harness.close()
  })

  it('gives each split an output of its own and releases it at its end', async () => {
    const fileSystem = await filesOf({ '/in/a': 'a\nb\n', '/in/b': '', '/in/c': 'c\n' })
    const read = await readAll(fileSource({ path: '/in', format: textLines() }), { fileSystem })
    expect(read.outputs[0]?.units.map(({ splitId }) => splitId)).toEqual(['/in/a#0', '/in/c#0'])
    expect(read.outputs[0]?.released).toEqual(['/in/a#0', '/in/b#0', '/in/c#0'])
  })

  it('holds time back for every restored split that had been begun, until it is read', async () => {
    const fileSystem = await filesOf({ '/in/a': 'a\n'.repeat(9_000), '/in/b': 'b\n'.repeat(9_000), '/in/c': 'c' })
    const source = fileSource({ path: '/in', format: textLines() })
    const first = await new SourceHarness(source, { fileSystem, parallelism: 2 }).start()
    for (const subtask of [0, 1]) await first.pollUntil(() => (first.outputs[subtask]?.units.length ?? 0) > 0, subtask)
    const snapshot = first.snapshot()
    await first.close()
    const second = await new SourceHarness(source, { fileSystem, restored: snapshot }).start()
    second.poll()
    expect(second.outputs[0]?.made).toEqual(['/in/a#0', '/in/b#0'])
    await second.drain()
    await second.close()
    expect(second.outputs[0]?.released).toEqual(['/in/a#0', '/in/b#0', '/in/c#0'])
  })

  it('lets all subtasks share the splits', async () => {
    const fileSystem = await filesOf(Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`/in/${i}`, `${i}`])))
    const read = await readAll(fileSource({ path: '/in', format: textLines() }), { fileSystem, parallelism: 4 })
    expect(read.records.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i))
    for (const output of read.outputs) expect(output.records.length).toBeGreaterThan(0)
  })

  it('finds new files while it monitors, and reads no path twice, even over a restore', async () => {
    const fileSystem = await filesOf({ '/in/a': 'a' })
    const { ManualClock } = await import('../../../src/base/core/clock.ts')
    const clock = new ManualClock()
    const source = fileSource({ path: '/in', format: textLines(), monitorInterval: 1_000 })
    expect(source.boundedness).toBe('unbounded')
    const first = await new SourceHarness(source, { fileSystem, clock }).start()
    const readOn = async (harness: SourceHarness) => {
      for (let i = 0; i < 20; i++) {
        while (harness.poll() === 'more');
        await harness.settle()
      }
      return harness.records
    }
    expect(await readOn(first)).toEqual(['a'])
    await writeFile(fileSystem, '/in/b', 'b')
    await writeFile(fileSystem, '/in/a', 'a has changed')
    clock.advance(1_000)
    expect(await readOn(first)).toEqual(['a', 'b'])
    const snapshot = first.snapshot()
    await first.close()
    await writeFile(fileSystem, '/in/c', 'c')
    const second = await new SourceHarness(source, { fileSystem, clock: new ManualClock(), restored: snapshot }).start()
    expect(await readOn(second)).toEqual(['c'])
  })

  it('refuses to monitor on from a snapshot that does not know which files were read', async () => {
    const fileSystem = await filesOf({ '/in/a': 'a' })
    const bounded = await readAll(fileSource({ path: '/in', format: textLines() }), { fileSystem })
    const monitoring = fileSource({ path: '/in', format: textLines(), monitorInterval: 1_000 })
    expect(() => new SourceHarness(monitoring, { fileSystem, restored: bounded.snapshot() })).toThrow(
      expect.objectContaining({ code: 'STATE_INCOMPATIBLE', hint: expect.stringContaining('monitorInterval') }),
    )
  })

  it('refuses options that make no sense', () => {
    expect(() => fileSource({ format: textLines() })).toThrow(/no path/)
    expect(() => fileSource({ path: '/a', paths: ['/b'], format: textLines() })).toThrow(/both/)
    expect(() => fileSource({ path: '/a', format: textLines(), monitorInterval: 0 })).toThrow(/monitorInterval/)
    expect(() => fileSource({ path: '/a', format: undefined as never })).toThrow(/no format/)
  })

  it('closes the file of a split that is still being read', async () => {
    let open = 0
    class CountingFileSystem extends MemoryFileSystem {
      override async open(path: string) {
        const reader = await super.open(path)
        open++
        return { ...reader, close: async () => void open-- }
      }
    }
    const fileSystem = new CountingFileSystem()
    await writeFile(fileSystem, '/f', 'x\n'.repeat(100_000))
    const harness = await new SourceHarness(fileSource({ path: '/f', format: csv({ header: false, columns: ['x'] }) }), {
      fileSystem,
    }).start()
    harness.poll()
    await harness.close()
    expect(open).toBe(0)
  })
})
