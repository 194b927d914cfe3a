import { expect, test } from 'vitest'
import { runProgram } from '../../../support/run-program.ts'

/** Rows without timestamps, with keys that turn from whole to broken numbers to texts. */
const keys = {
  'whole numbers': (i: number) => i % 50,
  'numbers that become broken ones': (i: number) => (i < 3000 ? i % 50 : (i % 50) / 4),
  'numbers that become texts': (i: number) => (i < 3000 ? i % 50 : `k${i % 50}`),
  texts: (i: number) => `k${i % 50}`,
}

const program = (key: (i: number) => unknown, apply: string) => `
  import { avg, count, generator, globalWindows, max, sum } from 'headrace'
  const key = ${key}
  export default (env) =>
    env
      .fromSource(generator((i) => ({ k: key(i), v: i % 7 === 0 ? null : i }), { count: 6000 }))
      .keyBy('k')
      .window(globalWindows({ fireAtEnd: true }))
      ${apply}
      .executeAndCollect()`

function expected(key: (i: number) => unknown): unknown[] {
  const held = new Map<unknown, { n: number; total: number; seen: number; most: number }>()
  for (let i = 0; i < 6000; i++) {
    const at = held.get(key(i)) ?? { n: 0, total: 0, seen: 0, most: -1 }
    held.set(key(i), at)
    at.n++
    if (i % 7 === 0) continue
    at.total += i
    at.seen++
    at.most = Math.max(at.most, i)
  }
  return [...held].map(([k, { n, total, seen, most }]) => ({
    k,
    windowStart: -(2 ** 63),
    windowEnd: 2 ** 63,
    n,
    total,
    mean: total / seen,
    most,
  }))
}

const sorted = (rows: unknown[]) => rows.map((row) => JSON.stringify(row)).sort()

for (const [what, key] of Object.entries(keys)) {
  for (const codegen of [true, false]) {
    test(`all rows of a key are one window that fires at the end: ${what}, ${codegen ? 'generated' : 'interpreted'}`, async () => {
      const apply = `.aggregate({ n: count(), total: sum('v'), mean: avg('v'), most: max('v') })`
      const config = { 'execution.codegen': codegen, 'parallelism.default': 2 }
      const { value } = await runProgram(program(key, apply), { mode: 'inline', config })
      expect(sorted(value)).toEqual(sorted(expected(key)))
    })
  }
}

for (const codegen of [true, false]) {
  test(`functions of one's own get the global window, ${codegen ? 'generated' : 'interpreted'}`, async () => {
    const config = { 'execution.codegen': codegen }
    const reduced = await runProgram(program(keys.texts, `.reduce((a, b) => ({ k: a.k, v: a.v + b.v }))`), { mode: 'inline', config })
    expect((reduced.value as any[]).reduce((all, row) => all + row.v, 0)).toBe(
      expected(keys.texts).reduce((all: number, row: any) => all + row.total, 0),
    )
    const apply = `.process((rows, ctx, out) => out.collect([ctx.key, ctx.window.end, rows.length]))`
    const { value } = await runProgram(program(keys.texts, apply), { mode: 'inline', config })
    expect(sorted(value)).toEqual(sorted(Array.from({ length: 50 }, (_, k) => [`k${k}`, 2 ** 63, 120])))
  })
}
