/**
 * `npm run simulate -- [--seeds N] [--seed S] [--program NAME]`: runs the programs of the torture's table on a simulated cluster that is hurt,
 * N times; `--seed S` replays one seed with a log of all that happened.
 */
import { parseArgs } from 'node:util'
import { loadColumnFormat } from '../../src/base/columnar/column-file-writer.ts'
import { programs } from '../torture/programs.ts'
import { undisturbedOf } from '../torture/torment.ts'
import { simulateRun } from './simulate-run.ts'
import { type FaultKind, noFaults } from './simulated-world.ts'

const { values } = parseArgs({ options: { seeds: { type: 'string' }, seed: { type: 'string' }, program: { type: 'string' } } })
const names = Object.keys(programs).filter((name) => values.program === undefined || name === values.program)
if (names.length === 0) {
  console.error(`There is no program '${values.program}'. There are:\n  ${Object.keys(programs).join('\n  ')}`)
  process.exit(2)
}
await loadColumnFormat()
const expectedOf = undisturbedOf(programs)
const nameOf = (seed: number): string => names[seed % names.length]!

if (values.seed !== undefined) {
  const seed = Number(values.seed)
  const name = nameOf(seed)
  console.log(`program '${name}', seed ${seed}`)
  console.log(JSON.stringify(await simulateRun(programs[name]!, seed, await expectedOf(name), { log: console.log })))
} else {
  process.exitCode = await many(Number(values.seeds ?? 1_000))
}

async function many(seeds: number): Promise<number> {
  const faults = noFaults()
  const failures: string[] = []
  let restarts = 0
  const began = performance.now()
  for (let seed = 1; seed <= seeds; seed++) {
    const name = nameOf(seed)
    try {
      const run = await simulateRun(programs[name]!, seed, await expectedOf(name))
      for (const kind of Object.keys(faults) as FaultKind[]) faults[kind] += run.faults[kind]
      restarts += run.restarts
    } catch (error) {
      failures.push(`--seed ${seed}${values.program === undefined ? '' : ` --program '${values.program}'`}  # ${name}`)
      console.error(`FAILED: ${failures.at(-1)}\n${error instanceof Error ? error.stack : error}`)
    }
    if (seed % 100 === 0)
      console.log(`${seed} of ${seeds} seeds, ${failures.length} failed, ${((performance.now() - began) / 1000).toFixed(0)} s`)
  }
  console.log(`${seeds} seeds, ${failures.length} failed; restarts: ${restarts}; faults: ${JSON.stringify(faults)}`)
  for (const failure of failures) console.log(`npm run simulate -- ${failure}`)
  const missing = Object.entries(faults).filter(([, count]) => count === 0)
  if (missing.length > 0) console.log(`never happened: ${missing.map(([kind]) => kind).join(', ')}`)
  return failures.length > 0 || missing.length > 0 ? 1 : 0
}
