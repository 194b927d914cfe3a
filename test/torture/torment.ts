/**
 * One run: a program is killed and hurt as its seed says, and what it publishes is compared with what it publishes undisturbed. The same
 * seed gives the same run.
 */
import type { Config } from '../../src/base/core/config-options.ts'
import { murmur3String } from '../../src/base/core/hash.ts'
import type { RunSlot } from '../../src/runtime/task/slot.ts'
import { noCounts, type PhaseCounts, phases } from './phases.ts'
import { below, chance, mixed, pick, type SeededRandom, seededRandom } from './seeded-random.ts'
import { type Moment, places, type Throw } from './simulated-process.ts'
import type { NamedProgram } from './stage.ts'
import { type Life, World } from './world.ts'

export interface Torment {
  readonly kills: PhaseCounts
  readonly throws: PhaseCounts
  readonly restarts: number
  readonly restores: number
  readonly processes: number
}

export interface TormentOptions {
  readonly log?: (line: string) => void
  readonly runSlot?: RunSlot
}

/** What a program gives when nothing happens to it, and how many moments of each phase it has then. */
export interface Undisturbed {
  readonly output: readonly string[]
  readonly moments: ReadonlyMap<Moment, number>
}

const rows = 60
const pauseMs = 4
const plain: Config = { 'parallelism.default': 1, 'execution.codegen': false }

export async function undisturbed(program: NamedProgram): Promise<Undisturbed> {
  const alone = new World({ program, random: seededRandom(1), rows, pauseMs: 0 })
  await alone.prepare()
  await alone.live({ config: plain })
  const output = await alone.output()
  if (output.length === 0) throw new Error('the program publishes nothing: nothing can be lost')
  const watched = new World({ program, random: seededRandom(1), rows, pauseMs })
  await watched.prepare()
  await watched.live({ config: configOf(program, seededRandom(2)) })
  return { output, moments: watched.moments }
}

/** What each program gives undisturbed, found out when it is asked for first. */
export function undisturbedOf(programs: Readonly<Record<string, NamedProgram>>): (name: string) => Promise<Undisturbed> {
  const known = new Map<string, Undisturbed>()
  return async (name) => {
    const expected = known.get(name) ?? (await undisturbed(programs[name]!))
    known.set(name, expected)
    return expected
  }
}

/** Throws where the output is another one, or the job does not end. */
export async function torment(program: NamedProgram, seed: number, expected: Undisturbed, options: TormentOptions = {}): Promise<Torment> {
  const random = seededRandom(mixed(seed, murmur3String(program.name)))
  const world = new World({ program, random, rows, pauseMs, ...options })
  await world.prepare()
  const deaths = below(random, 4)
  let processes = 0
  for (let isDone = false; !isDone; processes++) {
    const life =
      processes < deaths || (deaths === 0 && processes === 0)
        ? hardLife(program, random, expected, { dies: deaths > 0, isRestored: await world.hasCheckpoint })
        : { config: configOf(program, random) }
    isDone = await world.live(life)
    if (processes > 50) throw new Error('the job is never finished')
  }
  assertSame(await world.output(), expected.output)
  const { kills, throws, restarts, restores } = world
  return { kills, throws, restarts, restores, processes }
}

function hardLife(
  program: NamedProgram,
  random: SeededRandom,
  { moments }: Undisturbed,
  { dies, isRestored }: { dies: boolean; isRestored: boolean },
): Life {
  const phase = isRestored && chance(random, 0.25) ? 'restore' : pick(random, phases.slice(0, -1))
  // Not the last ones, which a faster process would not come to.
  const upTo = (name: Moment, least: number) => below(random, Math.max(least, 0.6 * (moments.get(name) ?? 0)))
  const throws: Throw[] = []
  for (let n = dies ? below(random, 2) : 1 + below(random, 3); n > 0; n--) {
    const place = pick(random, places)
    throws.push({ place, nth: upTo(`in ${place}`, 4) })
  }
  return {
    config: configOf(program, random),
    throws,
    ...(dies && { kill: { phase, nth: upTo(phase, 20) } }),
    cutsPower: chance(random, 0.4),
    ...(chance(random, 0.3) && { savepoint: { behind: 1 + below(random, 4), stops: chance(random, 0.6) } }),
  }
}

function configOf({ parallelism }: NamedProgram, random: SeededRandom): Config {
  return {
    'parallelism.default': parallelism ?? pick(random, [1, 2, 2, 3, 4]),
    'execution.codegen': chance(random, 0.6),
    'execution.checkpointing.interval': pick(random, [10, 15, 30]),
    ...pick<Config>(random, [
      { 'execution.checkpointing.tolerable-failed-checkpoints': 0 },
      { 'execution.checkpointing.tolerable-failed-checkpoints': 2 },
      { 'execution.checkpointing.tolerable-failed-checkpoints': 1_000, 'execution.checkpointing.timeout': 250 },
    ]),
    'taskmanager.memory.segment-size': pick(random, [4, 128]) * 1024,
    'execution.checkpointing.max-concurrent-checkpoints': pick(random, [1, 1, 2, 3]),
    'execution.buffer-timeout.interval': pick(random, [0, 1, 5, 100]),
    'pipeline.auto-watermark-interval': pick(random, [1, 5, 20]),
    'pipeline.operator-chaining.enabled': chance(random, 0.7),
    'pipeline.max-parallelism': 128,
    'execution.state-recovery.claim-mode': pick(random, ['CLAIM', 'NO_CLAIM']),
    'execution.checkpointing.num-retained': pick(random, [1, 2]),
    'restart-strategy.type': 'fixed-delay',
    'restart-strategy.fixed-delay.attempts': 1_000,
    'restart-strategy.fixed-delay.delay': 1,
  }
}

export function assertSame(found: readonly string[], expected: readonly string[]): void {
  const counts = new Map<string, number>()
  for (const row of expected) counts.set(row, (counts.get(row) ?? 0) + 1)
  for (const row of found) counts.set(row, (counts.get(row) ?? 0) - 1)
  const lost = [...counts].filter(([, count]) => count > 0)
  const added = [...counts].filter(([, count]) => count < 0)
  if (lost.length === 0 && added.length === 0) return
  const show = (rows: readonly (readonly [string, number])[]) =>
    rows
      .slice(0, 5)
      .map(([row, count]) => `\n    ${Math.abs(count)} x ${row}`)
      .join('')
  throw new Error(
    `of ${expected.length} rows ${lost.length} are missing and ${added.length} are too many:\n  missing:${show(lost)}\n  too many:${show(added)}`,
  )
}

export function addCounts(total: PhaseCounts, counts: PhaseCounts): void {
  for (const phase of phases) total[phase] += counts[phase]
}

export { noCounts }
