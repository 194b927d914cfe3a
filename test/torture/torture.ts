/**
 * `npm run torture -- [--seeds N] [--seed S] [--program NAME] [--process]`: kills every program of the table at seeded moments, and compares
 * what it publishes with a run that was left alone; in one run of 25 it is a process of its own that the kernel kills. One seed of one
 * program is replayed with a log of all that happened (with --process: in processes of its own, again).
 */
import { parseArgs } from 'node:util'
import { loadColumnFormat } from '../../src/base/columnar/column-file-writer.ts'
import { surviveKillsByPhase } from './killed-by-phase.ts'
import { operatorPrograms } from './operator-programs.ts'
import { type PhaseCounts, phases } from './phases.ts'
import { programs } from './programs.ts'
import { addCounts, noCounts, torment, undisturbedOf } from './torment.ts'

const { values } = parseArgs({
  options: { seeds: { type: 'string' }, seed: { type: 'string' }, program: { type: 'string' }, process: { type: 'boolean' } },
})
const names = Object.keys(programs).filter((name) => values.program === undefined || name === values.program)
if (names.length === 0) {
  console.error(`There is no program '${values.program}'. There are:\n  ${Object.keys(programs).join('\n  ')}`)
  process.exit(2)
}
await loadColumnFormat()
const expectedOf = undisturbedOf(programs)

if (values.seed !== undefined && values.process === true) {
  for (const name of names) console.log(`'${name}' survived ${JSON.stringify(await surviveKillsByPhase(name, Number(values.seed)))}`)
} else if (values.seed !== undefined) {
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
  const processes = await ofProcesses(Math.floor(runs / 25), failures)
  console.log(`\n${runs} runs of ${names.length} programs, ${restarts} restarts within a process`)
  for (const phase of phases)
    console.log(
      `  ${phase.padEnd(12)} ${padded(kills[phase])} kills ${padded(throws[phase])} failures ${padded(processes[phase])} processes killed`,
    )
  // So many runs meet every phase, or the harness has lost sight of one.
  const missed = runs < 1_000 ? [] : phases.filter((phase) => kills[phase] === 0 || processes[phase] === 0)
  if (missed.length > 0) console.log(`nothing was killed in: ${missed.join(', ')}`)
  if (failures.length > 0) console.log(`\n${failures.length} failed:\n  ${failures.join('\n  ')}`)
  return failures.length + missed.length > 0 ? 1 : 0
}

/** Seeds turn through the phases, so programs are taken by rounds that do not keep step with them. */
async function ofProcesses(runs: number, failures: string[]): Promise<PhaseCounts> {
  const kills = noCounts()
  const own = names.filter((name) => Object.hasOwn(operatorPrograms, name))
  for (let seed = 0; seed < runs && own.length > 0; seed++) {
    const name = own[(seed + Math.floor(seed / own.length)) % own.length]!
    try {
      addCounts(kills, await surviveKillsByPhase(name, seed))
    } catch (error) {
      failures.push(`--process --program '${name}' --seed ${seed}`)
      console.error(`FAILED: ${failures.at(-1)}\n${error instanceof Error ? error.stack : error}`)
    }
    if ((seed + 1) % 50 === 0) console.log(`${seed + 1} of ${runs} lives in processes of their own`)
  }
  return kills
}

function padded(count: number): string {
  return String(count).padStart(6)
}
