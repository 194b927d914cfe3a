/** A main that waits for something of one job before it executes the next runs in task threads as it does inline. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { runProgram } from '../../support/run-program.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'headrace-waiting-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** The first job still runs when the second is planned. */
const program = (waits: string) => `
import { generator } from 'headrace'
export default async (env) => {
  env.fromSource(generator((n) => n, { count: 1500, ratePerSecond: 1000 }), { name: 'slow' }).filter(() => false).print()
  const first = await env.executeAsync('first')
  const seen = await (async () => { ${waits} })()
  const rows = await env.fromSequence(1, 3, { name: 'second ' + seen }).map((n) => n * 2).executeAndCollect()
  return { seen, rows }
}`

const savepoint = `
  for (;;) {
    try { return (await first.triggerSavepoint()).split('/').at(-2) } catch (error) { if (error.code !== 'CHECKPOINT_DECLINED') throw error }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }`

test.each([
  [
    'progress',
    "await new Promise((resolve) => first.onProgress(({ recordsIn }) => recordsIn > 10 && resolve())); return 'progress'",
    'progress',
  ],
  ['a savepoint', savepoint, 'savepoints'],
  [
    'the word of a checkpoint',
    "await new Promise((resolve) => first.onEvent(({ on }) => on === 'checkpointCompleted' && resolve())); return 'told'",
    'told',
  ],
])('%s of an earlier job', { timeout: 50_000 }, async (_what, waits, seen) => {
  const config = {
    'parallelism.default': 1,
    'execution.checkpointing.interval': 50,
    'execution.checkpointing.dir': path.join(folder, 'checkpoints'),
    'execution.checkpointing.savepoint-dir': path.join(folder, 'savepoints'),
  }
  for (const mode of ['inline', 'threads'] as const) {
    const { value } = await runProgram(program(waits), { mode, config, expectedSlots: 2 })
    expect(value).toEqual({ seen, rows: [2, 4, 6] })
  }
})
