/**
 * Task threads that end in the middle of a call, and functions that throw in them: the job recovers by itself and publishes the same.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { loadColumnFormat } from '../../src/base/columnar/column-file-writer.ts'
import { LocalFileSystem } from '../../src/base/filesystem/local-file-system.ts'
import type { TortureArgs } from '../fixtures/programs/torture.ts'
import { runModule } from '../support/run-program.ts'
import { operatorPrograms } from './operator-programs.ts'
import { publishedRows } from './published-rows.ts'
import { below, mixed, pick, seededRandom } from './seeded-random.ts'
import { assertSame, type Undisturbed, undisturbed } from './torment.ts'

beforeAll(() => loadColumnFormat())

const fixture = new URL('../fixtures/programs/torture.ts', import.meta.url)
const rows = 120
const names = [
  'rolling max',
  'sliding windows, aggregates',
  'several states at once',
  'event timers',
  'union operator state',
  'money transfers',
]
const runs = Number(process.env.HEADRACE_TORTURE_THREADS ?? 12)

/** How often a thread ended, or a function threw. */
async function survive(name: string, expected: Undisturbed, seed: number): Promise<string[]> {
  const random = seededRandom(mixed(seed, 77))
  const folder = mkdtempSync(path.join(tmpdir(), 'headrace-threads-'))
  const hurts = Array.from({ length: 1 + below(random, 3) }, (_, index) => {
    const place = ['function', 'open', 'snapshot'][(seed + index) % 3]!
    return {
      place,
      nth: below(random, place === 'function' ? 300 : 4),
      way: random() < 0.7 ? ('ends its thread' as const) : ('throws' as const),
    }
  })
  const config = {
    'execution.checkpointing.interval': 20,
    'execution.checkpointing.dir': `${folder}/checkpoints`,
    'parallelism.default': pick(random, [1, 2, 3]),
    'execution.codegen': random() < 0.6,
    'restart-strategy.type': 'fixed-delay',
    'restart-strategy.fixed-delay.attempts': 20,
    'restart-strategy.fixed-delay.delay': 5,
  }
  const args: TortureArgs = { program: name, folder, rows, pauseMs: 8, config, hurts }
  try {
    const { jobs } = await runModule(fixture, { mode: 'threads', args, expectedSlots: 2 })
    const hurt = readdirSync(folder).includes('hurt') ? readdirSync(`${folder}/hurt`) : []
    if (hurt.length > 0) expect(jobs[0]!.numRestarts).toBeGreaterThan(0)
    assertSame((await publishedRows(new LocalFileSystem(), `${folder}/out`, 'text')).sort(), expected.output)
    return hurt.map((name) => name.slice(name.indexOf('-') + 1))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

test('programs publish the same although threads are lost', async () => {
  const hurt: string[] = []
  for (const [at, name] of names.entries()) {
    const expected = await undisturbed({ ...operatorPrograms[name]!, rows })
    for (let seed = at; seed < runs; seed += names.length) {
      try {
        hurt.push(...(await survive(name, expected, seed)))
      } catch (error) {
        throw new Error(`'${name}', seed ${seed}: ${error}`, { cause: error })
      }
    }
  }
  for (const place of ['function', 'open', 'snapshot']) expect(hurt).toContain(place)
}, 600_000)
