/**
 * One program and all the processes in which it is run, one after the other, each of which ends as its life says, until one of them has
 * finished the job. The disk and the ledger outlive them.
 */
import type { Config } from '../../src/base/core/config-options.ts'
import { StreamError } from '../../src/base/core/stream-error.ts'
import { MemoryFileSystem } from '../../src/base/filesystem/memory-file-system.ts'
import { localExecutor } from '../../src/cluster/local/local-executor.ts'
import { Environment } from '../../src/program/api/environment.ts'
import type { Executor, JobClient } from '../../src/program/api/executor.ts'
import { latestCheckpoint } from '../../src/runtime/checkpoint/checkpoint-storage.ts'
import type { RunSlot } from '../../src/runtime/task/slot.ts'
import { canonical } from '../support/reference/canonical.ts'
import { Ledger, ledgerSink } from './ledger.ts'
import { noCounts, type PhaseCounts } from './phases.ts'
import { below, type SeededRandom } from './seeded-random.ts'
import { type Kill, type Moment, type Place, SimulatedProcess, type Throw } from './simulated-process.ts'
import { Stage, type TortureProgram } from './stage.ts'

/** One process. */
export interface Life {
  readonly config: Config
  readonly kill?: Kill
  readonly throws?: readonly Throw[]
  readonly cutsPower?: boolean
  /** Behind this many checkpoints a savepoint is taken: the job stops with it, or goes on. */
  readonly savepoint?: { readonly behind: number; readonly stops: boolean }
}

export interface WorldOptions {
  readonly program: TortureProgram
  readonly random: SeededRandom
  readonly rows: number
  readonly pauseMs: number
  readonly log?: (line: string) => void
  /** Between the job and its slots: for bugs that are planted. */
  readonly runSlot?: RunSlot
}

const checkpoints = '/checkpoints'
const folder = '/data'

export class World {
  readonly kills: PhaseCounts = noCounts()
  readonly throws: PhaseCounts = noCounts()
  /** Moments of the last process. */
  moments: ReadonlyMap<Moment, number> = new Map()
  restarts = 0
  restores = 0
  readonly #options: WorldOptions
  readonly #disk = new MemoryFileSystem()
  readonly #ledger = new Ledger()
  #nowMs = 1_000_000
  #jobs = 0

  constructor(options: WorldOptions) {
    this.#options = options
  }

  async prepare(): Promise<void> {
    await this.#options.program.inputs?.(this.#disk, `${folder}/in`, this.#options.rows)
  }

  /** What is published, as a multiset. */
  async output(): Promise<string[]> {
    const own = (await this.#options.program.outputs?.(this.#disk, `${folder}/out`)) ?? []
    return [...this.#ledger.rows, ...own].sort()
  }

  /** true: the job is finished. */
  get hasCheckpoint(): Promise<boolean> {
    return latestCheckpoint(checkpoints, this.#disk).then((latest) => latest !== undefined)
  }

  async live({ config, kill, throws = [], cutsPower = false, savepoint }: Life): Promise<boolean> {
    const { random, log = () => {} } = this.#options
    const restored = config['execution.checkpointing.interval'] === undefined ? undefined : await latestCheckpoint(checkpoints, this.#disk)
    if (restored !== undefined) this.restores++
    const places = {
      'execution.checkpointing.dir': checkpoints,
      ...(restored && { 'execution.state-recovery.path': restored.directory }),
    }
    log(
      `--- a process, ${restored === undefined ? 'from the beginning' : `from ${restored.directory}`}: ${JSON.stringify({ ...config, kill, throws, savepoint })}`,
    )
    const process = new SimulatedProcess({
      ...{ disk: this.#disk, checkpoints, startMs: this.#nowMs, random, throws, isRestored: restored !== undefined, log },
      ...(kill && { kill }),
      ...(this.#options.runSlot && { runSlot: this.#options.runSlot }),
    })
    let client: JobClient | undefined
    let stopped = () => false
    const outcome = await process.run(() =>
      this.#main(process, { ...config, ...places }, (job) => {
        client = job
        if (savepoint !== undefined) stopped = takeSavepoint(job, savepoint)
      }),
    )
    this.#nowMs = process.nowMs + 100
    this.moments = process.moments
    this.restarts += client?.numRestarts ?? 0
    for (const { phase } of process.thrown) this.throws[phase]++
    if (outcome === undefined) {
      this.kills[kill!.phase]++
      if (cutsPower) await process.cutPower()
      // It died when the job was done with, all but some cleaning up.
      return client?.status === 'FINISHED' && !stopped()
    }
    if ('value' in outcome) return !stopped()
    // A fault can keep a process from ever beginning, which is no restart's matter.
    if (process.thrown.length > 0 && client === undefined) return false
    throw outcome.error
  }

  async #main(process: SimulatedProcess, config: Config, onJob: (client: JobClient) => void): Promise<void> {
    const { program, rows, pauseMs } = this.#options
    const executor = this.#executor(process)
    const env = new Environment({ config, executor: async () => executor })
    const stage = new Stage(env, { rows: program.rows ?? rows, pauseMs, folder, at: (place) => process.at(place) })
    const access = {
      ledger: this.#ledger,
      at: (place: Place) => process.at(place),
      outside: <R>(effect: () => R) => process.outside(effect),
    }
    const built = program.build(stage)
    const streams = built === undefined ? [] : Array.isArray(built) ? built : [built]
    streams.forEach((stream, index) =>
      stream.sinkTo(
        ledgerSink(access, (row) => `${index} ${canonical(row)}`),
        { name: `ledger ${index}` },
      ),
    )
    const client = await env.executeAsync('torture')
    onJob(client)
    client.onEvent((event) => process.log(`${' '.repeat(13)}${event.on} ${describe(event)}`))
    await client.result
  }

  #executor(process: SimulatedProcess): Executor {
    return localExecutor({
      mode: 'inline',
      clock: process.clock,
      fileSystem: process.files,
      yieldTo: process.yieldTo,
      runSlot: process.runSlot,
      random: this.#options.random,
      newJobId: () =>
        `${++this.#jobs}`.padStart(8, '0') +
        below(this.#options.random, 2 ** 32)
          .toString(16)
          .padStart(24, '0'),
      print: (_stream, line) => process.log(`prints ${line}`),
    })
  }
}

const describe = (event: object): string =>
  JSON.stringify(event, (key, value) => (key === 'cause' || key === 'error' ? StreamError.from(value).message : value))

/** Answers whether the job was stopped with it; a failure behind it brings the job back, and a failure ahead of it lets it go on. */
function takeSavepoint(client: JobClient, { behind, stops }: NonNullable<Life['savepoint']>): () => boolean {
  let completed = 0
  let isTaken = false
  client.onEvent((event) => {
    if (event.on === 'restarting') isTaken = false
    if (event.on !== 'checkpointCompleted') return
    if (event.checkpoint.kind === 'savepoint') isTaken = true
    if (++completed !== behind) return
    const taken = stops ? client.stopWithSavepoint({ directory: checkpoints }) : client.triggerSavepoint(checkpoints)
    taken.catch(() => undefined)
  })
  return () => stops && isTaken
}
