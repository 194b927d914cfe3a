import { describe, expect, test } from 'vitest'
import { t } from '../../../src/base/columnar/t.ts'
import type { Environment } from '../../../src/program/api/environment.ts'
import { outputTag } from '../../../src/program/api/output-tag.ts'
import type { SourceUnit } from '../../../src/program/function/source.ts'
import { failuresOf, ListSink, rowsUnit, runJob, type SourceStep, scriptedSource } from '../task/job-bench.ts'
import { both, sourceOf } from './both-forms.ts'

const nasty = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  "it's",
  'a"b',
  'a b',
  '0',
  '17',
  '',
  'größe',
  'line\u2028break',
  'para\u2029',
  '\\',
  '`$', // would end a template
  '*/',
  '//',
  'class',
  'null',
  'r0',
  'i',
  'at',
  'rt',
  'unit',
  'end',
  'W',
  'S0',
  'P0',
]
/** An object with fields of its own, whatever they are called. */
const own = (entries: readonly (readonly [string, unknown])[]) => Object.fromEntries(entries)

describe('field names are data', () => {
  const rows = Array.from({ length: 10 }, (_, i) =>
    own(nasty.map((name, n) => [name, n % 3 === 0 ? `text ${i % 3}` : n % 3 === 1 ? i + n : i % 2 === 0])),
  )

  test('from rows, through a map, over an edge, into a sink', async () => {
    const { out } = await both((env, sink) => {
      env
        .fromSource(sourceOf(rowsUnit(rows)), { name: 'in' })
        .map((row: any) => row)
        .rebalance()
        .filter(() => true)
        .sinkTo(sink('out'))
    })
    expect(out!.map(({ row }) => row)).toEqual(rows)
    for (const { row } of out!) expect(Object.getPrototypeOf(row)).toBe(Object.prototype)
  })

  test('from columns', async () => {
    const columns = nasty.map((name, n) => ({ name, values: n % 2 === 0 ? Float64Array.from([1, 2, 3]) : ['x', 'y', null] }))
    const { out } = await both((env, sink) => {
      env
        .fromSource(sourceOf({ kind: 'columns', rowCount: 3, columns }), { name: 'in' })
        .rebalance()
        .map((row: any) => row)
        .sinkTo(sink('out'))
    })
    expect(out!.map(({ row }) => row)).toEqual([0, 1, 2].map((i) => own(columns.map(({ name, values }) => [name, (values as any)[i]]))))
  })

  test.each(nasty)('as a key and in aggregates: %j', async (name) => {
    const keyed = Array.from({ length: 40 }, (_, i) =>
      own([
        [name, `k${i % 3}`],
        ['n', i],
        ['t', i],
      ]),
    )
    const summed = Array.from({ length: 40 }, (_, i) =>
      own([
        ['k', i % 3],
        [name, i],
        ['t', i],
      ]),
    )
    const { out, sums } = await both(
      (env, sink) => {
        const watermarks = { timestamp: 't', generator: { kind: 'bounded', outOfOrdernessMs: 0 } } as any
        const aggregate = (stream: any, key: string, field: string) =>
          stream
            .keyBy(key)
            .window({ kind: 'tumbling', time: 'event', sizeMs: 100, offsetMs: 0 })
            .aggregate({ total: { kind: 'sum', field } })
        aggregate(env.fromSource(sourceOf(rowsUnit(keyed)), { name: 'in', watermarks }), name, 'n').sinkTo(sink('out'))
        aggregate(env.fromSource(sourceOf(rowsUnit(summed)), { name: 'in 2', watermarks }), 'k', name).sinkTo(sink('sums'))
      },
      { anyOrder: true },
    )
    const total = (k: number) => Array.from({ length: 40 }, (_, i) => (i % 3 === k ? i : 0)).reduce((a, b) => a + b)
    expect(out!.map(({ row }: any) => [row[name], row.total]).sort()).toEqual([0, 1, 2].map((k) => [`k${k}`, total(k)]))
    expect(sums!.map(({ row }: any) => [row.k, row.total]).sort()).toEqual([0, 1, 2].map((k) => [k, total(k)]))
  })
})

describe('every form of input', () => {
  const forms: Record<string, SourceUnit<any>> = {
    rows: { kind: 'rows', rows: Array.from({ length: 5000 }, (_, i) => ({ i, s: `s${i % 7}` })) },
    'rows with timestamps': {
      kind: 'rows',
      rows: Array.from({ length: 5000 }, (_, i) => ({ i, s: `s${i % 7}` })),
      timestamps: Array.from({ length: 5000 }, (_, i) => i * 2),
    },
    range: { kind: 'range', generate: (index) => ({ i: index / 3, s: `s${(index / 3) % 7}` }), from: 0, step: 3, count: 5000 },
    columns: {
      kind: 'columns',
      rowCount: 5000,
      columns: [
        { name: 'i', values: Float64Array.from({ length: 5000 }, (_, i) => i), kind: 'int64' },
        {
          name: 's',
          values: Int32Array.from({ length: 5000 }, (_, i) => i % 7),
          kind: 'utf8',
          dictionary: ['s0', 's1', 's2', 's3', 's4', 's5', 's6'],
        },
      ],
    },
    'columns with timestamps': {
      kind: 'columns',
      rowCount: 5000,
      columns: [
        { name: 'i', values: Int32Array.from({ length: 5000 }, (_, i) => i) },
        { name: 's', values: Array.from({ length: 5000 }, (_, i) => `s${i % 7}`) },
      ],
      timestamps: Float64Array.from({ length: 5000 }, (_, i) => i * 2),
    },
  }

  test.each(Object.keys(forms))('%s gives the same rows to chained operators and over edges', async (form) => {
    const { chained, far } = await both((env, sink) => {
      const stream = env.fromSource(sourceOf(forms[form]!), { name: 'in' })
      stream
        .map((row: any) => ({ ...row, j: row.i + 1 }))
        .filter((row: any) => row.i % 2 === 0)
        .sinkTo(sink('chained'))
      stream
        .rebalance()
        .filter((row: any) => row.i % 2 === 1)
        .sinkTo(sink('far'))
    })
    const timestamp = (i: number) => (form.endsWith('timestamps') ? i * 2 : null)
    expect(chained).toEqual(
      Array.from({ length: 2500 }, (_, n) => ({ row: { i: 2 * n, s: `s${(2 * n) % 7}`, j: 2 * n + 1 }, timestamp: timestamp(2 * n) })),
    )
    expect(far!.map(({ row }: any) => row.i)).toEqual(Array.from({ length: 2500 }, (_, n) => 2 * n + 1))
    expect(far![3]!.timestamp).toBe(timestamp(7))
  })

  test('strings with dictionaries of several kinds share an edge with strings that have none', async () => {
    const grown = ['a', 'b']
    const coded = (dictionary: readonly string[], from: number, count: number): SourceUnit<any> => ({
      kind: 'columns',
      rowCount: count,
      columns: [
        { name: 'i', values: Int32Array.from({ length: count }, (_, i) => from + i) },
        { name: 's', values: Int32Array.from({ length: count }, (_, i) => i % dictionary.length), kind: 'utf8', dictionary },
      ],
    })
    const many = Array.from({ length: 40_000 }, (_, i) => `many ${i}`)
    const script = function* (): Iterable<SourceStep> {
      grown.length = 2
      yield coded(grown, 0, 700)
      yield coded(['b', 'c', 'a'], 700, 700)
      yield rowsUnit(Array.from({ length: 700 }, (_, i) => ({ i: 1400 + i, s: ['c', 'd', 'e'][i % 3] })))
      grown.push('f', 'a')
      yield coded(grown, 2100, 3000)
      // More than any dictionary takes.
      yield coded(many, 5100, 40_000)
      yield coded(['b', 'x'], 45_100, 10)
    }
    const { out, odd } = await both((env, sink) => {
      const stream = env.fromSource(scriptedSource(script), { name: 'in' })
      stream.rebalance().sinkTo(sink('out'))
      stream
        .filter((row: any) => row.i % 2 === 1)
        .rebalance()
        .sinkTo(sink('odd'))
    })
    const textOf = (i: number): string => {
      if (i < 700) return 'ab'[i % 2]!
      if (i < 1400) return 'bca'[(i - 700) % 3]!
      if (i < 2100) return 'cde'[(i - 1400) % 3]!
      if (i < 5100) return 'abfa'[(i - 2100) % 4]!
      return i < 45_100 ? many[i - 5100]! : 'bx'[i % 2]!
    }
    const expected = Array.from({ length: 45_110 }, (_, i) => ({ i, s: textOf(i) }))
    expect(out!.map(({ row }) => row)).toEqual(expected)
    expect(odd!.map(({ row }) => row)).toEqual(expected.filter(({ i }) => i % 2 === 1))
  })

  test('every layout of column arrives as the values it stands for', async () => {
    const declared = t.row({
      i: t.int32,
      l: t.int64,
      f: t.nullable(t.float64),
      b: t.boolean,
      s: t.utf8,
      d: t.date,
      g: t.bigint,
      o: t.list(t.nullable(t.int32)),
      a: t.any,
      at: t.timestamp,
    })
    const rows = Array.from({ length: 300 }, (_, i) => ({
      i: 7 - i,
      l: i * 2 ** 33,
      f: i % 4 === 0 ? null : i / 7,
      b: i % 3 === 0,
      s: `s${i % 5}`,
      d: new Date(i),
      g: BigInt(i) ** 9n,
      o: [i, null],
      a: new Map([[i, 'x']]),
      at: 5 - i * 2 ** 34,
    }))
    const { out, mapped } = await both((env, sink) => {
      const stream = env
        .fromSource(sourceOf(rowsUnit(rows)), { name: 'in' })
        .map((row: any) => row)
        .returns(declared as any)
      stream
        .rebalance()
        .map((row: any) => row)
        .sinkTo(sink('out'))
      stream
        .rebalance()
        .map((row: any) => ({ ...row }))
        .rebalance()
        .filter(() => true)
        .sinkTo(sink('mapped'))
    })
    expect(out!.map(({ row }) => row)).toEqual(rows)
    expect(mapped!.map(({ row }) => row)).toEqual(rows)
  })

  test('values that are no objects, and rows that widen, cross edges', async () => {
    const values = [...Array.from({ length: 100 }, (_, i) => i), 'text', null, { a: 1 }, [2]]
    const { out } = await both((env, sink) => {
      env
        .fromSource(sourceOf(rowsUnit(values)), { name: 'in' })
        .map((value: any) => value)
        .rebalance()
        .map((value: any) => value)
        .sinkTo(sink('out'))
    })
    expect(out!.map(({ row }) => row)).toEqual(values)
  })

  test('schemas that change under way renew the code: batch for batch', async () => {
    const rows = Array.from({ length: 6000 }, (_, i) => ({
      i,
      ...(i > 1000 && { late: `x${i % 3}` }),
      ...(i > 3000 && { i: i % 2 === 0 ? i : `${i}` }),
      ...(i > 5000 && { last: null }),
    }))
    const { out } = await both((env, sink) => {
      env
        .fromSource(sourceOf(rowsUnit(rows)), { name: 'in' })
        .map((row: any) => row)
        .rebalance()
        .map((row: any) => row)
        .sinkTo(sink('out'))
    })
    expect(out!.map(({ row }: any) => [row.i, row.late ?? null])).toEqual(rows.map((row: any) => [row.i, row.late ?? null]))
  })

  test('many patterns of nulls share a loop', async () => {
    const fields = Array.from({ length: 12 }, (_, c) => `f${c}`)
    const rowOf = (value: (c: number) => unknown) => own(fields.map((name, c) => [name, value(c)]))
    const rows = [rowOf(() => null), ...Array.from({ length: 300 }, (_, b) => rowOf((c) => (((b >> (c % 9)) & 1) === 1 ? null : b + c)))]
    const sink = new ListSink()
    const bench = await runJob(
      (env) => {
        env
          .fromSource(sourceOf(...rows.map((row) => rowsUnit([row]))), { name: 'in' })
          .map((row: any) => row)
          .setBufferTimeout(0)
          .rebalance()
          .map((row: any) => row)
          .sinkTo(sink)
      },
      { config: { 'execution.buffer-timeout.interval': 0 } },
    )
    expect(sink.rows).toEqual(rows)
    expect(bench.task(1).options.chain.compiledLoops).toBeLessThanOrEqual(3)
    expect(bench.task(1).recordsIn).toBe(301)
  })

  test('columns with nulls are read for what they are, whichever of them has any in a batch', async () => {
    const type = t.row({
      n: t.nullable(t.float64),
      i: t.nullable(t.int32),
      l: t.nullable(t.int64),
      b: t.nullable(t.boolean),
      s: t.nullable(t.utf8),
      x: t.int32,
    })
    const rows = Array.from({ length: 64 }, (_, i) => ({
      n: i & 1 ? null : i / 2,
      i: i & 2 ? null : i,
      l: i & 4 ? null : i * 2 ** 40,
      b: i & 8 ? null : i % 3 === 0,
      s: i & 16 ? null : `s${i}`,
      x: i,
    }))
    for (const per of [1, 7, 64]) {
      const units = Array.from({ length: Math.ceil(64 / per) }, (_, u) => rowsUnit(rows.slice(u * per, (u + 1) * per)))
      const { out } = await both((env, sink) => {
        env
          .fromSource(sourceOf(...units), { name: 'in' })
          .map((row: any) => row)
          .returns(type as any)
          .setBufferTimeout(0)
          .rebalance()
          .map((row: any) => row)
          .rebalance()
          .map((row: any) => row)
          .sinkTo(sink('out'))
      })
      expect(out!.map(({ row }) => row)).toEqual(rows)
    }
  })
})

describe('fan-out and side outputs', () => {
  test('each consumer gets each row once and in order, chained or over an edge', async () => {
    const rows = Array.from({ length: 9000 }, (_, i) => ({ i }))
    const results = await both((env, sink) => {
      const stream = env.fromSource(sourceOf(rowsUnit(rows)), { name: 'in' })
      const mapped = stream.map((row: any) => ({ i: row.i * 2 }))
      mapped.sinkTo(sink('chained'))
      mapped
        .rebalance()
        .map((row: any) => row)
        .sinkTo(sink('far'))
      mapped
        .keyBy('i')
        .process({ processElement: (row: any, _ctx: any, out: any) => out.collect(row) } as any)
        .sinkTo(sink('keyed'))
      stream.filter((row: any) => row.i < 10).sinkTo(sink('few'))
    })
    const doubled = rows.map(({ i }) => ({ i: i * 2 }))
    expect(results.chained!.map(({ row }) => row)).toEqual(doubled)
    expect(results.far!.map(({ row }) => row)).toEqual(doubled)
    expect(results.keyed!.map(({ row }: any) => row.i).sort((a: number, b: number) => a - b)).toEqual(doubled.map(({ i }) => i))
    expect(results.few).toHaveLength(10)
  })

  test('the declared type of a side output holds on its edges, and is that of tags that leave it out', async () => {
    const program = (value: (i: number) => unknown) => (env: Environment, sink: (name: string) => ListSink) => {
      const split = env
        .fromSource(sourceOf(rowsUnit(Array.from({ length: 6 }, (_, i) => ({ i })))), { name: 'in' })
        .process((row: any, ctx: any) => ctx.output(outputTag('side'), { v: value(row.i) }), { name: 'split' })
      // Learned from the rows, null would come first and the field be wide enough for all.
      for (const [name, tag] of Object.entries({ typed: outputTag('side', t.row({ v: t.nullable(t.int32) })), bare: outputTag('side') }))
        split.getSideOutput<any>(tag).rebalance().sinkTo(sink(name))
    }
    const { typed, bare } = await both(program((i) => (i === 0 ? undefined : i)))
    expect(typed!.map(({ row }) => row)).toEqual(Array.from({ length: 6 }, (_, i) => ({ v: i === 0 ? null : i })))
    expect(bare).toEqual(typed)
    for (const { message } of await failuresOf((env) => program((i) => (i < 3 ? i : 'three'))(env, () => new ListSink()))) {
      expect(message).toContain("Operator 'split'")
      expect(message).toContain("field 'v'")
    }
  })

  test('flatMap and side outputs emit any number of rows per row', async () => {
    const odd = outputTag<any>('odd ones: "*/')
    const results = await both((env, sink) => {
      const processed = env
        .fromSource(sourceOf(rowsUnit(Array.from({ length: 500 }, (_, i) => ({ i })))), { name: 'in' })
        .flatMap((row: any, out: any) => {
          for (let n = 0; n < row.i % 20; n++) out.collect({ i: row.i, n })
        })
        .process({ processElement: (row: any, ctx: any, out: any) => (row.i % 2 === 0 ? out.collect(row) : ctx.output(odd, row)) } as any)
      processed.map((row: any) => row).sinkTo(sink('even'))
      processed
        .getSideOutput(odd)
        .map((row: any) => ({ ...row, odd: true }))
        .sinkTo(sink('odd'))
      processed
        .getSideOutput(odd)
        .rebalance()
        .map((row: any) => row)
        .sinkTo(sink('far'))
    })
    const all = Array.from({ length: 500 }, (_, i) => Array.from({ length: i % 20 }, (_, n) => ({ i, n }))).flat()
    expect(results.even!.map(({ row }) => row)).toEqual(all.filter(({ i }) => i % 2 === 0))
    expect(results.odd!.map(({ row }) => row)).toEqual(all.filter(({ i }) => i % 2 === 1).map((row) => ({ ...row, odd: true })))
    expect(results.far!.map(({ row }) => row)).toEqual(all.filter(({ i }) => i % 2 === 1))
  })
})

describe('generated text', () => {
  /** The generated files on the stack of a function that is called in each subtask. */
  async function filesOf(parallelism: number): Promise<string[]> {
    const files = new Set<string>()
    const look = (row: any) => {
      for (const [file] of new Error('look').stack!.matchAll(/headrace-chain-[^:)]+/g)) files.add(file)
      return row
    }
    await runJob((env) => {
      env
        .fromSource(sourceOf(rowsUnit(Array.from({ length: 100 }, (_, i) => ({ i })))), { name: 'in' })
        .setParallelism(parallelism)
        .map(look, { name: 'a map: "*/ and so on' })
        .setParallelism(parallelism)
        .sinkTo(new ListSink())
        .setParallelism(parallelism)
    })
    return [...files]
  }

  test('has a name in stacks, another one for each chain', async () => {
    const files = [...(await filesOf(3)), ...(await filesOf(1))]
    expect(files).toHaveLength(4)
    for (const file of files) expect(file).toMatch(/^headrace-chain-[\w.-]+\.js$/)
  })
})

describe('awaiting a sink', () => {
  test('a sink that takes its time is given no row while it does', async () => {
    for (const codegen of [true, false]) {
      let open = 0
      let most = 0
      const sink = new ListSink(async () => {
        most = Math.max(most, ++open)
        await new Promise((resolve) => setImmediate(resolve))
        open--
      })
      await runJob(
        (env) =>
          env
            .fromSource(sourceOf(rowsUnit(Array.from({ length: 50 }, (_, i) => ({ i })))), { name: 'in' })
            .map((row: any) => row)
            .sinkTo(sink),
        { config: { 'execution.codegen': codegen } },
      )
      expect(sink.rows.map(({ i }) => i)).toEqual(Array.from({ length: 50 }, (_, i) => i))
      expect(most).toBe(1)
    }
  })
})
