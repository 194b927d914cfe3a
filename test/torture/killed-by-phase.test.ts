/**
 * Real processes, killed by the kernel in every phase of their lives; `npm run torture` kills hundreds.
 */
import { beforeAll, expect, test } from 'vitest'
import { loadColumnFormat } from '../../src/base/columnar/column-file-writer.ts'
import { surviveKillsByPhase } from './killed-by-phase.ts'
import { noCounts, phases } from './phases.ts'
import { addCounts } from './torment.ts'

beforeAll(() => loadColumnFormat())

const names = [
  'tumbling windows, process',
  'event timers',
  'sliding windows, process',
  'money transfers',
  'untyped map state',
  'session windows, a user aggregate',
]
/** A process can be through before the moment comes: then another one is killed there. */
const most = 14

test('programs publish the same although their processes are killed in each phase', async () => {
  const kills = noCounts()
  const left = [...phases.keys()]
  const some = async () => {
    for (let phase = left.shift(); phase !== undefined; phase = left.shift())
      for (let n = 0; n < 2 || (kills[phases[phase]!] === 0 && n < most); n++)
        addCounts(kills, await surviveKillsByPhase(names[(phase + n) % names.length]!, phase + n * phases.length))
  }
  await Promise.all([some(), some()])
  for (const phase of phases) expect({ phase, kills: kills[phase] }).not.toEqual({ phase, kills: 0 })
}, 600_000)
