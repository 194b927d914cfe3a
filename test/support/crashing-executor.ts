/**
 * Runs jobs inline under a virtual clock, in an order of turns that a seed decides, while slots die at any of their turns. JobMaster,
 * slots and tasks are the real ones. A job in which nothing can happen any more, or that never ends, is an error.
 */
import type { Clock, TimerHandle } from '../../src/base/core/clock.ts'
import { StreamError } from '../../src/base/core/stream-error.ts'
import type { FileSystem } from '../../src/base/filesystem/file-system.ts'
import { type LocalExecutor, localExecutor } from '../../src/cluster/local/local-executor.ts'
import { runSlot } from '../../src/runtime/task/run-slot.ts'
import type { RunSlot } from '../../src/runtime/task/slot.ts'

export interface CrashingOptions {
  readonly random: (limit: number) => number
  readonly fileSystem: FileSystem
  /** How many slots die at most. */
  readonly crashes: number
  /** A slot that is to die does so within so many of its turns. */
  readonly crashWithin: number
  /** By how much each look at the clock moves it. */
  readonly tickMs: number
  /** How often time stands still for everybody for so long that checkpoints under way expire. */
  readonly stalls: number
  readonly stallMs: number
}

/** Many times what the longest of the programs takes. */
const maxTurns = 60_000

/** Time moves by itself when somebody looks at it, and to the next timer when there is nothing else to do. */
class VirtualClock implements Clock {
  readonly #tickMs: number
  #nowMs = 0
  #timers: { readonly atMs: number; readonly callback: () => void }[] = []

  constructor(tickMs: number) {
    this.#tickMs = tickMs
  }

  now(): number {
    return this.elapsed()
  }

  elapsed(): number {
    this.#nowMs += this.#tickMs
    return this.#nowMs
  }

  setTimer(delayMs: number, callback: () => void): TimerHandle {
    const timer = { atMs: this.#nowMs + Math.max(0, delayMs), callback }
    this.#timers.push(timer)
    return { cancel: () => void (this.#timers = this.#timers.filter((other) => other !== timer)) }
  }

  pass(ms: number): void {
    this.#nowMs += ms
  }

  /** Runs the earliest timer that is due, or with `anyway` the earliest there is; false: there is none such. */
  fire(anyway: boolean): boolean {
    let first = this.#timers[0]
    for (const timer of this.#timers) if (timer.atMs < first!.atMs) first = timer
    if (first === undefined || (!anyway && first.atMs > this.#nowMs)) return false
    this.#timers = this.#timers.filter((timer) => timer !== first)
    this.#nowMs = Math.max(this.#nowMs, first.atMs)
    first.callback()
    return true
  }
}

export class CrashingExecutor {
  readonly executor: LocalExecutor
  crashes = 0
  /** Restarts that went on from a checkpoint. */
  restored = 0
  readonly #options: CrashingOptions
  readonly #clock: VirtualClock
  #turns: (() => void)[] = []

  constructor(options: CrashingOptions) {
    this.#options = options
    const clock = new VirtualClock(options.tickMs)
    this.#clock = clock
    const { fileSystem, random } = options
    const executor = localExecutor({
      ...{ mode: 'inline', clock, fileSystem, print: () => undefined, random: () => random(1 << 20) / (1 << 20) },
      yieldTo: (callback) => void this.#turns.push(callback),
      runSlot: this.#runSlot,
    })
    this.executor = {
      ...executor,
      submit: async (job) => {
        const client = await executor.submit(job)
        client.onEvent((event) => {
          if (event.on === 'restarting' && event.checkpointId !== undefined) this.restored++
        })
        return client
      },
    }
  }

  /** Takes turns until `result` settles. */
  async drive<R>(result: Promise<R>): Promise<R> {
    let over = false
    const settled = result.finally(() => void (over = true))
    settled.catch(() => undefined)
    const { random, stallMs } = this.#options
    let { stalls } = this.#options
    for (let turns = 0, quiet = 0; !over; turns++) {
      if (turns > maxTurns) throw new Error('the job does not end')
      if (stalls > 0 && random(100) === 0) {
        stalls--
        this.#clock.pass(stallMs)
      }
      if (this.#clock.fire(false)) quiet = 0
      // Mostly one after the other; now and then somebody is late.
      const next = this.#turns.splice(random(4) === 0 ? random(this.#turns.length || 1) : 0, 1)[0]
      if (next !== undefined) {
        next()
        quiet = 0
        if (random(3) > 0) continue
      }
      await new Promise((resolve) => setImmediate(resolve))
      // Files are promises on top of promises.
      if (next !== undefined || ++quiet < 4) continue
      if (!this.#clock.fire(true) && quiet > 200) throw new Error('nothing happens any more, and the job has not ended')
    }
    return settled
  }

  readonly #runSlot: RunSlot = (deployment, graph, host) => {
    const { random, crashWithin } = this.#options
    const dies = this.crashes < this.#options.crashes && random(2) === 0
    let left = dies ? 1 + random(crashWithin) : Number.POSITIVE_INFINITY
    let isDead = false
    let die: (cause: Error) => void = () => undefined
    const death = new Promise<never>((_, reject) => void (die = reject))
    const running = runSlot(deployment, graph, {
      ...host,
      yieldTo: (callback) =>
        host.yieldTo(() => {
          if (isDead) return
          if (--left > 0 || this.crashes >= this.#options.crashes) return callback()
          isDead = true
          this.crashes++
          die(new StreamError('TASK_LOST', `slot ${deployment.slot} died`))
        }),
      control: {
        send: (message) => void (isDead || host.control.send(message)),
        onMessage: (handler) => host.control.onMessage((message) => void (isDead || handler(message))),
      },
    })
    return { describe: () => running.describe(), wake: () => void (isDead || running.wake()), done: Promise.race([running.done, death]) }
  }
}
