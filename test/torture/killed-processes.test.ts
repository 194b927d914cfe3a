/**
 * Real processes, killed by the kernel and started again from their latest checkpoint.
 */
import { beforeAll, expect, test } from 'vitest'
import { loadColumnFormat } from '../../src/base/columnar/column-file-writer.ts'
import { surviveKills } from './killed-processes.ts'
import { noCounts } from './phases.ts'
import { addCounts } from './torment.ts'

beforeAll(() => loadColumnFormat())

const names = [
  'rolling sum',
  'sliding windows, process',
  'event timers',
  'list operator state',
  'money transfers',
  'coProcess',
  'untyped map state',
  'session windows, a user aggregate',
]

test('programs publish the same although their processes are killed', async () => {
  const kills = noCounts()
  const left = [...names.entries()]
  const some = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) addCounts(kills, await surviveKills(next[1], next[0]))
  }
  await Promise.all([some(), some()])
  for (const sight of ['processing', 'upload', 'commit', 'restore'] as const)
    expect({ sight, kills: kills[sight] }).not.toEqual({ sight, kills: 0 })
}, 600_000)
