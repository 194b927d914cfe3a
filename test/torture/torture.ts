/**
 * `npm run torture -- [--seeds N] [--seed S] [--program NAME]`: kills every program of the table at seeded moments, and compares what it
 * publishes with a run that was left alone. One seed of one program is replayed with a log of all that happened.
 */
import { parseArgs } from 'node:util'
import { loadColumnFormat } from '../../src/base/columnar/column-file-writer.ts'
import { phases } from './phases.ts'
import { programs } from './programs.ts'
import { addCounts, noCounts, torment, type Undisturbed, undisturbed } from './torment.ts'

const { values } = parseArgs({ options: { seeds: { type: 'string' }, seed: { type: 'string' }, program: { type: 'string' } } })
const names = Object.keys(programs).filter((name) => values.program === undefined || name === values.program)
if (names.length === 0) {
  console.error(`There is no program '${values.program}'. There are:\n  ${Object.keys(programs).join('\n  ')}`)
  process.exit(2)
}
await loadColumnFormat()
const known = new Map<string, Undisturbed>()
const expectedOf = async (name: string): Promise<Undisturbed> => {
  const expected = known.get(name) ?? (await undisturbed(programs[name]!))
  known.set(name, expected)
  return expected
}

if (values.seed !== undefined) {
  for (const name of names) {
    console.log(`program '${name}', seed ${values.seed}`)
    const { kills, throws, ...rest } = await torment(programs[name]!, Number(values.seed), await expectedOf(name), { log: console.log })
    console.log(`equal to the undisturbed run: ${JSON.stringify({ ...rest, kills, throws })}`)
  }
} else {
  process.exitCode = await many(Number(values.seeds ?? 5_000))
}

async function many(runs: number): Promise<number> {
  const [kills, throws] = [noCounts(), noCounts()]
  const failures: string[] = []
  let restarts = 0
  const began = performance.now()
  for (let run = 0; run < runs; run++) {
    const name = names[run % names.length]!
    const seed = 1 + Math.floor(run / names.length)
    try {
      const done = await torment(programs[name]!, seed, await expectedOf(name))
      addCounts(kills, done.kills)
      addCounts(throws, done.throws)
      restarts += done.restarts
    } catch (error) {
      failures.push(`--program '${name}' --seed ${seed}`)
      console.error(`FAILED: ${failures.at(-1)}\n${error instanceof Error ? error.stack : error}`)
    }
    if ((run + 1) % 100 === 0)
      console.log(`${run + 1} of ${runs} runs, ${failures.length} failed, ${((performance.now() - began) / 1000).toFixed(0)} s`)
  }
  console.log(`\n${runs} runs of ${names.length} programs, ${restarts} restarts within a process`)
  for (const phase of phases)
    console.log(`  ${phase.padEnd(12)} ${String(kills[phase]).padStart(6)} kills ${String(throws[phase]).padStart(6)} failures`)
  if (failures.length > 0) console.log(`\n${failures.length} failed:\n  ${failures.join('\n  ')}`)
  return failures.length > 0 ? 1 : 0
}
