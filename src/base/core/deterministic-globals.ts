/**
 * The adapter that makes a user's main plan the same way each time it is run: while it is installed, the wall clock
 * stands still at the plan's time and random numbers come from the plan's seed. Reads through a captured `Date`, through
 * `new Date()`, `Date()`, Math.random and both ways to randomUUID are covered. What it replaced comes back on `remove`.
 */
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { fmix32 } from './hash.ts'
import { assert } from './stream-error.ts'

/** Chosen once when a job is submitted and kept over restarts. */
export interface PlanSeed {
  /** What Date.now() says in main, ms since the epoch. */
  readonly timeMs: number
  /** Where the random numbers begin. */
  readonly random: number
}

export interface DeterministicGlobals {
  /** Puts them in place; random numbers go on where they stood. */
  install(): void
  /** Gives the machine's own back; does nothing when they are not installed. */
  remove(): void
}

let installed: DeterministicGlobals | undefined

export function deterministicGlobals(seed: PlanSeed): DeterministicGlobals {
  const random = seededRandom(seed.random)
  let restore: (() => void) | undefined
  const globals: DeterministicGlobals = {
    install() {
      assert(installed === undefined, 'deterministic globals were installed twice')
      installed = globals
      const undoDate = replaceDate(seed.timeMs)
      const undoRandom = replace(Math, 'random', random)
      const uuid = (): string => uuidOf(random)
      const undoModule = replace(crypto, 'randomUUID', uuid as typeof crypto.randomUUID)
      const undoGlobal = replace(globalThis.crypto, 'randomUUID', uuid as typeof crypto.randomUUID)
      syncBuiltinESMExports()
      restore = () => {
        for (const undo of [undoGlobal, undoModule, undoRandom, undoDate]) undo()
        syncBuiltinESMExports()
      }
    },
    remove() {
      if (restore === undefined) return
      restore()
      restore = undefined
      installed = undefined
    },
  }
  return globals
}

function replace<T extends object, K extends keyof T>(target: T, key: K, value: T[K]): () => void {
  const original = Object.getOwnPropertyDescriptor(target, key)
  Object.defineProperty(target, key, { value, writable: true, configurable: true, enumerable: original?.enumerable ?? false })
  return () => {
    if (original === undefined) delete target[key]
    else Object.defineProperty(target, key, original)
  }
}

/** `Date` itself is exchanged for the sake of `new Date()`, and its `now` in place for those who hold the real one. */
function replaceDate(timeMs: number): () => void {
  const RealDate = Date
  const undoNow = replace(RealDate, 'now', () => timeMs)
  const PlanDate: DateConstructor = new Proxy(RealDate, {
    apply: () => new RealDate(timeMs).toString(),
    construct: (target, args: unknown[], newTarget): object =>
      Reflect.construct(target, args.length === 0 ? [timeMs] : args, newTarget === PlanDate ? target : newTarget),
  })
  const undoDate = replace(globalThis, 'Date' as keyof typeof globalThis, PlanDate as never)
  return () => {
    undoDate()
    undoNow()
  }
}

/** A counter through murmur's finaliser, two words a number: enough for plans, and the same everywhere. */
export function seededRandom(seed: number): () => number {
  let state = fmix32(seed ^ fmix32(Math.floor(seed / 2 ** 32)))
  const next = (): number => {
    state = (state + 0x9e3779b9) | 0
    return fmix32(state) >>> 0
  }
  return () => ((next() >>> 5) * 2 ** 26 + (next() >>> 6)) / 2 ** 53
}

function uuidOf(random: () => number): string {
  const hex = Array.from({ length: 32 }, () => Math.floor(random() * 16).toString(16))
  hex[12] = '4'
  hex[16] = '89ab'[Number.parseInt(hex[16]!, 16) & 3]!
  const text = hex.join('')
  return [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20), text.slice(20)].join('-')
}
