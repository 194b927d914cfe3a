import { expect, test } from 'vitest'
import { runProgram } from '../../support/run-program.ts'

const rows = Array.from({ length: 5_000 }, (_, i) => ({
  at: i,
  // Few texts (a dictionary), many texts (none), whole and broken numbers, nulls.
  few: `f${i % 7}`,
  many: i % 11 === 0 ? null : `text number ${i % 900}`,
  n: i % 5 === 0 ? null : (i % 13) / 2,
}))

function program(fields: readonly string[]): string {
  return `import { count, monotonousTimestamps, sum, tumbling } from 'headrace'
    export default (env) =>
      env
        .fromData(${JSON.stringify(rows)}, { watermarks: monotonousTimestamps('at') })
        .keyBy(${fields.map((field) => `'${field}'`).join(', ')})
        .window(tumbling(1000))
        .aggregate({ rows: count(), at: sum('at') })
        .executeAndCollect()`
}

/** By definition: rows of equal key fields, null and missing being one. */
function expected(fields: readonly string[]): string[] {
  const windows = new Map<string, { rows: number; at: number }>()
  for (const row of rows) {
    const key = fields.map((field) => (row as Record<string, unknown>)[field])
    const id = JSON.stringify([...key, Math.floor(row.at / 1000) * 1000])
    const held = windows.get(id) ?? { rows: 0, at: 0 }
    windows.set(id, { rows: held.rows + 1, at: held.at + row.at })
  }
  return [...windows].map(([id, { rows, at }]) => JSON.stringify([...JSON.parse(id), rows, at])).sort()
}

for (const fields of [
  ['few', 'n'],
  ['many', 'few'],
  ['n', 'many', 'few'],
]) {
  for (const codegen of [true, false]) {
    test(`keys of ${fields.join(', ')} are told apart, ${codegen ? 'generated' : 'interpreted'}`, async () => {
      const { value } = await runProgram(program(fields), {
        mode: 'inline',
        config: { 'execution.codegen': codegen, 'parallelism.default': 2 },
      })
      const found = (value as any[]).map((row) =>
        JSON.stringify([...fields.map((field) => row[field] ?? null), row.windowStart, row.rows, row.at]),
      )
      expect(found.sort()).toEqual(expected(fields))
    })
  }
}
