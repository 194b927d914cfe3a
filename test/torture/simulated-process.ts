/**
 * A process in which a job runs inline: its event loop, its clock and its files, all of which stop dead where a plan says. What
 * outlives it (the disk, the ledger) is given to it; a dead process changes nothing of that any more.
 *
 * Its time moves by a little whenever it is read, so that turns of slots end, and jumps to the next timer when nothing else goes on.
 * Slots take turns in seeded order.
 */
import type { Clock } from '../../src/base/core/clock.ts'
import type { FileSystem } from '../../src/base/filesystem/file-system.ts'
import { runSlot } from '../../src/runtime/task/run-slot.ts'
import type { RunningSlot, RunSlot } from '../../src/runtime/task/slot.ts'
import { type Fault, FaultyFileSystem, type FileOperation } from '../support/faulty-file-system.ts'
import { type Phase, phaseOfFile, phasesOfTasks } from './phases.ts'
import { below, chance, pick, type SeededRandom } from './seeded-random.ts'

/** The nth moment of this phase, from 0, is its last one. */
export interface Kill {
  readonly phase: Phase
  readonly nth: number
}

export const places = ['function', 'open', 'snapshot', 'commit', 'file'] as const

/** Where the job's own code may throw. */
export type Place = (typeof places)[number]

/** What is counted: moments of a phase, and calls at a place. */
export type Moment = Phase | `in ${Place}`

export interface Throw {
  readonly place: Place
  readonly nth: number
}

export interface SimulatedProcessOptions {
  readonly disk: FileSystem
  /** Folder of the checkpoints. */
  readonly checkpoints: string
  readonly startMs: number
  readonly random: SeededRandom
  readonly kill?: Kill
  readonly throws?: readonly Throw[]
  /** It goes on from a snapshot. */
  readonly isRestored: boolean
  readonly runSlot?: RunSlot
  readonly log: (line: string) => void
}

const never = new Promise<never>(() => {})
/** Turns of the real event loop in which a process may do nothing at all. */
const patience = 2_000
/** Turns in all. */
const endless = 300_000

export class SimulatedProcess {
  readonly clock: Clock
  readonly files: FileSystem
  readonly runSlot: RunSlot
  /** Moments seen, by phase and by place. */
  readonly moments = new Map<Moment, number>()
  /** What the throws that were reached interrupted. */
  readonly thrown: { readonly place: Place; readonly phase: Phase }[] = []
  isDead = false
  readonly #options: SimulatedProcessOptions
  readonly #disk: FaultyFileSystem
  readonly #slots = new Set<RunningSlot>()
  readonly #queue: (() => void)[] = []
  #timers: { readonly atMs: number; readonly callback: () => void }[] = []
  #ms: number
  readonly #stepMs: number
  readonly #slowMs: number
  #isRestored: boolean

  constructor(options: SimulatedProcessOptions) {
    const { random } = options
    this.#options = options
    this.#ms = options.startMs
    this.#stepMs = pick(random, [0.01, 0.05, 0.2])
    this.#slowMs = pick(random, [0, 0.5, 4])
    this.#isRestored = options.isRestored
    this.clock = {
      now: () => Math.floor(this.#ms),
      elapsed: () => this.#elapsed(),
      setTimer: (delayMs, callback) => this.#setTimer(delayMs, callback),
    }
    this.#disk = new FaultyFileSystem(options.disk, (operation) => this.#fileFault(operation))
    this.files = this.#alive(this.#disk)
    this.runSlot = (deployment, graph, host) => {
      if (deployment.restore !== undefined) this.#isRestored = true
      const slot = (options.runSlot ?? runSlot)(deployment, graph, host)
      this.#slots.add(slot)
      void slot.done.then(() => this.#slots.delete(slot))
      return slot
    }
  }

  get nowMs(): number {
    return this.#ms
  }

  get log(): (line: string) => void {
    return this.#options.log
  }

  readonly yieldTo = (callback: () => void): void => {
    if (!this.isDead) this.#queue.push(callback)
  }

  /** Runs until `work` settles, or the process dies: undefined. */
  async run<R>(work: () => Promise<R>): Promise<{ readonly value: R } | { readonly error: unknown } | undefined> {
    let outcome: { readonly value: R } | { readonly error: unknown } | undefined
    work().then(
      (value) => void (outcome = { value }),
      (error) => void (outcome = { error }),
    )
    for (let [still, turns] = [0, 0]; outcome === undefined && !this.isDead; turns++) {
      if (turns > endless) throw new Error(`the process goes on for ever:\n${this.#describe()}`)
      await new Promise((resolve) => setImmediate(resolve))
      if (this.#takeTurn()) still = 0
      else if (++still > patience) throw new Error(`nothing goes on in the process, and nothing will:\n${this.#describe()}`)
    }
    return this.isDead ? undefined : outcome
  }

  /** After its death: the power was cut as well. */
  async cutPower(): Promise<void> {
    await this.#disk.powerCut(this.#options.random)
  }

  /** User code calls this: it may throw, or be the end. */
  at(place: Place): void {
    if (!this.isDead) this.#ms += this.#stepMs * this.#options.random()
    this.#moment(place === 'commit' || place === 'snapshot' ? [place] : this.#phases())
    if (this.#throws(place)) throw new Error(`seeded failure in ${place}`)
  }

  /** What happens outside the process happens only while it lives. */
  async outside<R>(effect: () => R): Promise<R> {
    if (this.isDead) return never
    if (chance(this.#options.random, 0.3)) await this.#sleep()
    if (this.isDead) return never
    return effect()
  }

  #takeTurn(): boolean {
    const due = this.#timers.filter(({ atMs }) => atMs <= this.#ms)
    if (due.length === 0 && this.#queue.length > 0) {
      const [callback] = this.#queue.splice(below(this.#options.random, this.#queue.length), 1)
      callback!()
      return true
    }
    const next = (due.length > 0 ? due : this.#timers).reduce<{ atMs: number; callback: () => void } | undefined>(
      (earliest, timer) => (earliest === undefined || timer.atMs < earliest.atMs ? timer : earliest),
      undefined,
    )
    if (next === undefined) return false
    this.#timers = this.#timers.filter((timer) => timer !== next)
    this.#ms = Math.max(this.#ms, next.atMs)
    next.callback()
    return true
  }

  #elapsed(): number {
    // Loops of a dead process leave at once.
    if (this.isDead) return (this.#ms += 1_000)
    this.#ms += this.#stepMs * this.#options.random()
    this.#moment(this.#phases())
    return this.#ms
  }

  #setTimer(delayMs: number, callback: () => void) {
    const timer = { atMs: this.#ms + Math.max(0, delayMs), callback }
    if (!this.isDead) this.#timers.push(timer)
    return { cancel: () => void (this.#timers = this.#timers.filter((other) => other !== timer)) }
  }

  #phases(): ReadonlySet<Phase> {
    return phasesOfTasks(this.#slots, this.#isRestored)
  }

  /** true: it was the last one. */
  #moment(phases: Iterable<Phase>): boolean {
    const { kill, log } = this.#options
    let isLast = false
    for (const phase of phases) {
      const nth = this.moments.get(phase) ?? 0
      this.moments.set(phase, nth + 1)
      if (kill?.phase === phase && kill.nth === nth) isLast = true
    }
    if (isLast && !this.isDead) {
      log(`${this.#at} killed in ${kill!.phase}\n${this.#describe()}`)
      this.isDead = true
      this.#disk.die()
    }
    return isLast
  }

  #throws(place: Place): boolean {
    if (this.isDead) return false
    const nth = this.moments.get(`in ${place}`) ?? 0
    this.moments.set(`in ${place}`, nth + 1)
    const isHit = this.#options.throws?.some((each) => each.place === place && each.nth === nth) === true
    if (!isHit) return false
    const phase = place === 'commit' || place === 'snapshot' ? place : ([...this.#phases()][0] ?? 'processing')
    this.thrown.push({ place, phase })
    this.#options.log(`${this.#at} throws in ${place}`)
    return true
  }

  #fileFault({ action, path }: FileOperation): Fault | undefined {
    const { random, checkpoints, log } = this.#options
    const phase = phaseOfFile(action, path, checkpoints)
    log(`${this.#at} ${action} ${path}`)
    if (phase !== undefined && this.#moment([phase])) return pick(random, ['dies before', 'dies torn', 'dies after'])
    if (!this.#throws('file')) return undefined
    return pick(random, ['fails', 'unconfirmed', 'torn', 'full'])
  }

  /** Operations take time; those of a dead process never end. */
  #alive<T extends object>(files: T): T {
    return new Proxy(files, {
      get: (target, name) => {
        const member = Reflect.get(target, name, target)
        if (typeof member !== 'function') return member
        return async (...args: unknown[]) => {
          if (this.isDead) return never
          if (this.#slowMs > 0 && chance(this.#options.random, 0.5)) await this.#sleep()
          let result: unknown
          try {
            result = await member.apply(target, args)
          } catch (error) {
            if (this.isDead) return never
            throw error
          }
          if (this.isDead) return never
          return isHandle(result) ? this.#alive(result) : result
        }
      },
    })
  }

  #sleep(): Promise<void> {
    return new Promise((resolve) => void this.#setTimer(this.#slowMs * this.#options.random(), resolve))
  }

  get #at(): string {
    return `${this.#ms.toFixed(2).padStart(9)} ms`
  }

  #describe(): string {
    return [...this.#slots].flatMap((slot) => slot.describe().map((task) => `    ${JSON.stringify(task)}`)).join('\n')
  }
}

/** Readers, writers and recoverable files: what has methods. */
const isHandle = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && 'close' in value && typeof value.close === 'function'
