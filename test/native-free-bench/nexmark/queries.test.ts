import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { getEnvironment } from 'headrace'
import { describe, expect, test } from 'vitest'
import { queries } from '../../../native-free-bench/nexmark/queries/all.ts'
import { canonical, digestOf } from '../../../native-free-bench/nexmark/rows.ts'

interface Golden {
  readonly events: number
  readonly rate: number
  readonly queries: Readonly<Record<string, { readonly rows: number; readonly sha256: string }>>
}

const fixture = (name: string) => new URL(`../../fixtures/nexmark/${name}`, import.meta.url)
const golden = (name: string): Golden => JSON.parse(readFileSync(fixture(`${name}.json`), 'utf8'))

async function run(name: string, events: number, rate: number, parallelism: number, codegen = true): Promise<string[]> {
  const env = getEnvironment({ 'execution.local.mode': 'inline', 'execution.codegen': codegen, 'parallelism.default': parallelism })
  const query = queries[name]!
  const rows = await query.build(env, { events, rate, generators: 1 }).executeAndCollect()
  return rows.map((row) => canonical(query.columns(row))).toSorted()
}

describe.each(Object.keys(queries))('%s', (name) => {
  test("gives Flink's rows for 1,000 events", async () => {
    const expected = gunzipSync(readFileSync(fixture(`1k/${name}.jsonl.gz`)))
      .toString('latin1')
      .split('\n')
      .slice(0, -1)
    expect(await run(name, 1_000, 10_000, 1)).toEqual(expected)
  })

  test.each([1, 2, 4])(
    "gives Flink's digest for 10,000 events at parallelism %i, generated and interpreted",
    { timeout: 60_000 },
    async (parallelism) => {
      const { rows, sha256 } = golden('10k').queries[name]!
      for (const codegen of [true, false]) {
        const found = await run(name, 10_000, 10_000, parallelism, codegen)
        expect({ rows: found.length, sha256: digestOf(found) }).toEqual({ rows, sha256 })
      }
    },
  )

  test.each(['100k', '100k-rate1'])("gives Flink's digest of %s", { timeout: 120_000 }, async (file) => {
    const { events, rate, queries: of } = golden(file)
    const found = await run(name, events, rate, 2)
    expect({ rows: found.length, sha256: digestOf(found) }).toEqual({ rows: of[name]!.rows, sha256: of[name]!.sha256 })
  })
})
