import { beforeAll, describe, expect, it } from 'vitest'
import { loadColumnFormat } from '../../src/base/columnar/column-file-writer.ts'
import { programs } from '../torture/programs.ts'
import { undisturbed, undisturbedOf } from '../torture/torment.ts'
import { simulateRun } from './simulate-run.ts'
import { type FaultKind, noFaults } from './simulated-world.ts'

beforeAll(() => loadColumnFormat())

const seeds = 300

describe('a cluster that is hurt', () => {
  it(`gives what it gives when it is left alone, and every slot back: ${seeds} seeds`, { timeout: 300_000 }, async () => {
    const names = Object.keys(programs)
    const expectedOf = undisturbedOf(programs)
    const faults = noFaults()
    let restarts = 0
    for (let seed = 1; seed <= seeds; seed++) {
      const name = names[seed % names.length]!
      const run = await simulateRun(programs[name]!, seed, await expectedOf(name)).catch((thrown) => {
        throw new Error(`npm run simulate -- --seed ${seed}: '${name}'`, { cause: thrown })
      })
      for (const kind of Object.keys(faults) as FaultKind[]) faults[kind] += run.faults[kind]
      restarts += run.restarts
    }
    for (const [kind, count] of Object.entries(faults)) expect(count, kind).toBeGreaterThan(20)
    expect(restarts).toBeGreaterThan(50)
  })

  it('is the same run for the same seed', async () => {
    const name = 'value state'
    const expected = await undisturbed(programs[name]!)
    const run = async (seed: number): Promise<string> => {
      const lines: string[] = []
      await simulateRun(programs[name]!, seed, expected, { log: (line) => void lines.push(line) })
      return lines.join('\n')
    }
    expect(await run(7)).toBe(await run(7))
  })
})
