/**
 * One run of the simulation: a program on a cluster whose hosts and network are hurt as the seed says, and what must hold behind it: its
 * output is that of a run that was left alone, the job ends once the faults have stopped, and every slot is free again.
 */
import { murmur3String } from '../../src/base/core/hash.ts'
import { below, chance, mixed, pick, type SeededRandom, seededRandom } from '../torture/seeded-random.ts'
import type { NamedProgram } from '../torture/stage.ts'
import { assertSame, type Undisturbed } from '../torture/torment.ts'
import { type PlantedBug, SimulatedCluster } from './simulated-cluster.ts'
import { anyPair, type FaultKind, SimulatedWorld } from './simulated-world.ts'

export interface SimulatedRun {
  readonly faults: Readonly<Record<FaultKind, number>>
  readonly restarts: number
  readonly simulatedMs: number
}

/** Longest that a job may take once nothing hurts it any more. */
const limitMs = 120_000
const jobManager = 'jm'

export async function simulateRun(
  program: NamedProgram,
  seed: number,
  { output }: Pick<Undisturbed, 'output'>,
  { log, bug }: { readonly log?: (line: string) => void; readonly bug?: PlantedBug } = {},
): Promise<SimulatedRun> {
  const random = seededRandom(mixed(seed, murmur3String(program.name)))
  const world = new SimulatedWorld(random, log)
  const startedMs = world.nowMs
  const parallelism = program.parallelism ?? pick(random, [1, 2, 3, 4])
  const hosts = Array.from({ length: pick(random, [1, 2, 3]) }, (_, n) => `tm${n + 1}`)
  const cluster = new SimulatedCluster({
    ...{ world, program, config: configOf(parallelism, random) },
    ...(bug && { bug }),
    // With a spare slot at times: at other times a job waits for a host to come back.
    slotsPerTaskManager: Math.ceil(parallelism / hosts.length) + below(random, 3),
  })
  await cluster.start()
  for (const host of hosts) cluster.startTaskManager(host)
  const master = await cluster.submit()
  let isOver = false
  void master.result.catch(() => undefined).then(() => void (isOver = true))
  planFaults(world, cluster, hosts)
  await world.run(() => isOver, limitMs)
  await master.result
  for (const host of hosts) if (!world.isRunning(host)) cluster.startTaskManager(host)
  await world.run(() => cluster.heldSlots().length === 0 && cluster.numTaskManagers >= hosts.length, limitMs)
  assertSame(await cluster.output(), output)
  return { faults: world.faults, restarts: master.numRestarts, simulatedMs: world.nowMs - startedMs }
}

/** All of them in the first 200 ms, in which an undisturbed job is done. */
function planFaults(world: SimulatedWorld, cluster: SimulatedCluster, hosts: readonly string[]): void {
  const { random } = world
  const all = [jobManager, ...hosts]
  for (let n = below(random, 6); n > 0; n--) {
    const forMs = pick(random, [5, 40, 200, 700]) * (0.5 + random())
    const faults: Readonly<Record<FaultKind, () => void>> = {
      kill: () => {
        const host = pick(random, hosts)
        world.kill(host)
        world.schedule(forMs, () => void (world.isRunning(host) || cluster.startTaskManager(host)))
      },
      freeze: () => world.freeze(pick(random, all), forMs),
      partition: () => world.partition(...anyPair(random, all), forMs),
      break: () => world.break(...anyPair(random, all)),
      delay: () => world.slow(pick(random, [5, 30]), forMs),
    }
    world.schedule(random() * 200, faults[pick(random, Object.keys(faults) as FaultKind[])])
  }
}

function configOf(parallelism: number, random: SeededRandom) {
  return {
    'parallelism.default': parallelism,
    'execution.codegen': chance(random, 0.5),
    'execution.checkpointing.interval': pick(random, [20, 60]),
    'execution.checkpointing.timeout': 2_000,
    'execution.checkpointing.tolerable-failed-checkpoints': 1_000,
    'execution.checkpointing.max-concurrent-checkpoints': pick(random, [1, 2]),
    'execution.buffer-timeout.interval': pick(random, [0, 5]),
    'pipeline.auto-watermark-interval': 5,
    'pipeline.max-parallelism': 128,
    'taskmanager.memory.segment-size': 4 * 1024,
    'restart-strategy.type': 'fixed-delay',
    'restart-strategy.fixed-delay.attempts': 1_000,
    'restart-strategy.fixed-delay.delay': 1,
  }
}
