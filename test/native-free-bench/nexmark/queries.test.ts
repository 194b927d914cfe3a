/**
 * The queries give what real Flink gave (fixtures/nexmark/ORIGIN.md) for the events of one generator, however they run.
 */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { getEnvironment } from 'headrace'
import { describe, expect, test } from 'vitest'
import { queries } from '../../../native-free-bench/nexmark/queries/all.ts'
import { digestOf } from '../../../native-free-bench/nexmark/rows.ts'
import runQuery from '../../fixtures/programs/nexmark-query.ts'
import { runModule } from '../../support/run-program.ts'

interface Golden {
  readonly events: number
  readonly rate: number
  readonly queries: Readonly<Record<string, { readonly rows: number; readonly sha256: string }>>
}

interface Way {
  readonly mode: 'inline' | 'threads'
  readonly parallelism: number
  readonly codegen: boolean
}

const fixture = (name: string) => new URL(`../../fixtures/nexmark/${name}`, import.meta.url)
const golden = (name: string): Golden => JSON.parse(readFileSync(fixture(`${name}.json`), 'utf8'))
const program = new URL('../../fixtures/programs/nexmark-query.ts', import.meta.url)

async function run(
  query: string,
  { events, rate }: Pick<Golden, 'events' | 'rate'>,
  { mode, parallelism, codegen }: Way,
): Promise<string[]> {
  const config = { 'execution.codegen': codegen, 'parallelism.default': parallelism }
  const args = { query, events, rate }
  if (mode === 'inline') return runQuery(getEnvironment({ 'execution.local.mode': 'inline', ...config }), args)
  const { value } = await runModule(program, { mode, args, config, expectedSlots: parallelism })
  return value
}

const ways = (['inline', 'threads'] as const).flatMap((mode) =>
  [1, 2, 4].flatMap((parallelism) => [true, false].map((codegen): Way => ({ mode, parallelism, codegen }))),
)
const ofRows = (rows: readonly string[]) => ({ rows: rows.length, sha256: digestOf(rows) })
const expectedOf = (name: string, query: string) => {
  const { rows, sha256 } = golden(name).queries[query]!
  return { rows, sha256 }
}

describe.each(Object.keys(queries))('%s', (name) => {
  test("gives Flink's rows for 1,000 events inline and in threads, at every parallelism, generated and interpreted", {
    timeout: 120_000,
  }, async () => {
    const expected = gunzipSync(readFileSync(fixture(`1k/${name}.jsonl.gz`)))
      .toString('latin1')
      .split('\n')
      .slice(0, -1)
    for (const way of ways) {
      const rows = await run(name, { events: 1_000, rate: 10_000 }, way)
      expect({ way, rows: rows.toSorted() }).toEqual({ way, rows: expected })
    }
  })

  const inline = ways.filter(({ mode }) => mode === 'inline')
  test.each([...inline, { mode: 'threads', parallelism: 2, codegen: true } as const])(
    "gives Flink's digest for 10,000 events: $mode, parallelism $parallelism, generated $codegen",
    { timeout: 60_000 },
    async (way) => {
      expect(ofRows(await run(name, golden('10k'), way))).toEqual(expectedOf('10k', name))
    },
  )

  test.each(['100k', '100k-rate1'])("gives Flink's digest of %s", { timeout: 120_000 }, async (file) => {
    expect(ofRows(await run(name, golden(file), { mode: 'inline', parallelism: 2, codegen: true }))).toEqual(expectedOf(file, name))
  })
})

test.each(['q3', 'q5', 'q7', 'q11'])(
  "%s gives Flink's digests of 100,000 events in threads, one a second too",
  { timeout: 120_000 },
  async (name) => {
    for (const file of ['100k', '100k-rate1']) {
      expect(ofRows(await run(name, golden(file), { mode: 'threads', parallelism: 2, codegen: true }))).toEqual(expectedOf(file, name))
    }
  },
)
