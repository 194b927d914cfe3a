/**
 * Two hundred runs of the kill harness; `npm run torture` makes thousands. HEADRACE_TORTURE_FROM moves the first seed.
 */
import { beforeAll, expect, test } from 'vitest'
import { loadColumnFormat } from '../../src/base/columnar/column-file-writer.ts'
import { phases } from './phases.ts'
import { programs } from './programs.ts'
import { addCounts, noCounts, torment, undisturbed } from './torment.ts'

const runs = 200
const first = Number(process.env.HEADRACE_TORTURE_FROM ?? 1)

beforeAll(() => loadColumnFormat())

test('every program publishes the same, killed and hurt in every phase of its life', async () => {
  const names = Object.keys(programs)
  const [kills, throws] = [noCounts(), noCounts()]
  const failures: string[] = []
  for (const [at, name] of names.entries()) {
    const expected = await undisturbed(programs[name]!)
    for (let run = at; run < runs; run += names.length) {
      const seed = first + Math.floor(run / names.length)
      try {
        const done = await torment(programs[name]!, seed, expected)
        addCounts(kills, done.kills)
        addCounts(throws, done.throws)
      } catch (error) {
        failures.push(`npm run torture -- --program '${name}' --seed ${seed}\n${error}`)
      }
    }
  }
  expect(failures).toEqual([])
  for (const phase of phases) expect({ phase, kills: kills[phase] }).not.toEqual({ phase, kills: 0 })
  for (const phase of ['processing', 'snapshot', 'upload', 'commit'] as const) expect(throws[phase]).toBeGreaterThan(0)
}, 600_000)

test('a seed gives the same run again', async () => {
  const program = programs['sliding windows, process']!
  const expected = await undisturbed(program)
  const logs = await Promise.all(
    [1, 2].map(async () => {
      const lines: string[] = []
      await torment(program, 5, expected, { log: (line) => void lines.push(line) })
      return lines
    }),
  )
  expect(logs[0]!.length).toBeGreaterThan(100)
  expect(logs[1]).toEqual(logs[0])
})
