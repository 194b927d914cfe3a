/** State and timers of a keyed operator in typed tables: keys are numbers of a key space, and a turn looks its key up once. */
import { hashFloat64, hashInt32, keyGroupOf } from '../../base/columnar/key-hash.ts'
import { type ReadColumn, readValue } from '../../base/columnar/read-column.ts'
import type { StateDeclaration } from '../../program/function/state.ts'
import type { TimeDomain } from '../../program/function/window.ts'
import { mustTakeOver } from './check-state-types.ts'
import { TimerSnapshots } from './gathered-timers.ts'
import type { Timer } from './internal-timers.ts'
import type { KeySpace, KeySpaceKind } from './key-space.ts'
import type { FireTurn, KeyedBackend } from './keyed-backend.ts'
import { columnOf, numbersOfBatch, type RestoredRows, restoredRows, rowsOfBatch } from './restored-rows.ts'
import type { RestoredState, RestoredTable, StateSnapshot } from './snapshot.ts'
import { runOf, TableTimerQueue } from './table-timer-queue.ts'
import type { TimerBucket } from './timer-bucket.ts'
import { checkedTime, TimerDomains } from './timer-domains.ts'
import { type RowWords, TypedKeyedState, type TypedKeyedStateOptions, timerWord } from './typed-keyed-state.ts'
import { keyColumn } from './word-rows.ts'

export class TypedBackend implements KeyedBackend {
  readonly state: TypedKeyedState
  readonly keys: KeySpace
  readonly #timers: TimerDomains<TableTimerQueue>
  readonly #options: TypedKeyedStateOptions
  readonly #snapshots: TimerSnapshots<TimerBucket>
  #fire: FireTurn | undefined
  readonly #fireNext = (queue: TableTimerQueue, domain: TimeDomain): void => {
    const time = queue.nextTime
    const key = queue.take(time)
    this.enterId(key, this.keys.hashOf(key))
    if (domain === 'event') this.#forget(time)
    this.#fire!(time, domain)
  }

  constructor(options: TypedKeyedStateOptions, requestProcessingTimer: (atMs: number) => void) {
    this.state = new TypedKeyedState(options)
    this.keys = this.state.keys
    this.#options = options
    this.#snapshots = new TimerSnapshots(runOf, () => this.keys.release())
    const queue = (domain: TimeDomain): TableTimerQueue => new TableTimerQueue(this.keys.hashOf, domain, this.#snapshots)
    this.#timers = new TimerDomains(queue('event'), queue('processing'), requestProcessingTimer)
  }

  get currentKey(): unknown {
    return this.state.currentKey
  }

  get numEventTimers(): number {
    return this.#timers.event.size
  }

  get numProcessingTimers(): number {
    return this.#timers.processing.size
  }

  declare<H>(name: string, declaration: StateDeclaration<H>): H {
    return this.state.declare(name, declaration)
  }

  /** Makes state and timers able to hold keys of that kind. To be called between turns, and not while a loop holds table keys. */
  requireKeyKind(kind: KeySpaceKind): void {
    if (this.keys.wantsSweep) this.#sweep()
    const keyOf = this.state.requireKeyKind(kind)
    if (keyOf === undefined) return
    this.#timers.event.rekey(keyOf)
    this.#timers.processing.rekey(keyOf)
  }

  /** Gives up the keys that have neither an entry nor a timer. A vacant entry counts, since it may remember a timer. */
  #sweep(): void {
    this.keys.sweep((use) => {
      for (const table of this.state.tables) table.forEach((entry) => use(table.keyAt(entry)))
      for (const domain of ['event', 'processing'] as const) for (const { key } of this.#timers[domain].entries()) use(key)
    })
  }

  enter(key: unknown): void {
    if (typeof key !== 'number' || this.keys.kind === 'interned') this.requireKeyKind('interned')
    else if ((key | 0) !== key) this.requireKeyKind('float64')
    const id = this.keys.idOf(key)
    this.state.enter(id, this.keys.hashOf(id))
  }

  /** As enter, for a table key; the key space must be wide enough for it. */
  enterId(key: number, hash: number): void {
    this.state.enter(key, hash)
  }

  leave(): void {
    this.state.leave()
  }

  get isSaving(): boolean {
    return this.state.isSaving || this.#snapshots.isOpen
  }

  snapshot(): readonly StateSnapshot[] {
    return [...this.state.snapshot(), this.#timersSnapshot()]
  }

  /** Keys are what they are now, whatever kind they widen to meanwhile. */
  #timersSnapshot(): StateSnapshot {
    const { keys } = this
    const { kind } = keys
    const { maxParallelism } = this.#options.groups
    const hashOf = kind === 'int32' ? hashInt32 : kind === 'float64' ? hashFloat64 : (id: number) => keys.hashes[id]!
    keys.hold()
    const timerKeys = {
      groupOf: (key: number) => keyGroupOf(hashOf(key), maxParallelism),
      column: (column: unknown[]) => keyColumn(kind, keys, column as number[]),
    }
    return this.#snapshots.begin((domain) => this.#timers[domain].buckets(), timerKeys, maxParallelism)
  }

  async restore({ tables, watermark }: RestoredState): Promise<void> {
    for (const table of tables) await this.#restoreState(table)
    this.#timers.currentWatermark = watermark
    const timers = tables.find(({ name }) => name === '_timers')
    if (timers === undefined) return
    for await (const { keys, rows } of restoredRows(timers, ['time', 'domain'])) {
      for (const [i, [time, domain]] of rows.entries()) {
        this.enter(keys[i])
        this.#timers[domain as TimeDomain].add(this.state.key, this.state.hash, time as number)
      }
    }
    this.leave()
    this.#timers.request()
  }

  async #restoreState(table: RestoredTable): Promise<void> {
    const shape = this.state.shapeOf(table.name)
    if (shape === undefined) return
    mustTakeOver(this.#options.operatorName, table, { name: table.name, scope: 'keyed', form: shape.form, declared: shape.declared })
    const words = this.state.rowWordsOf(table.name)
    for await (const batch of table.batches()) {
      const numbers = words && numbersOfBatch(table, batch, words.names, shape.declared)
      if (numbers !== undefined) this.#restoreNumbers(words!, numbers, columnOf(table, batch, 'key'), batch.rowCount)
      else this.#restoreRows(table.name, rowsOfBatch(table, batch, shape.columns, shape.declared, this.#options.operatorName))
    }
    this.leave()
  }

  #restoreNumbers(words: RowWords, numbers: readonly Float64Array[], keys: ReadColumn, rowCount: number): void {
    for (let i = 0; i < rowCount; i++) {
      this.enter(readValue(keys, i))
      this.state.restoreNumbers(words, numbers, i)
    }
  }

  #restoreRows(name: string, { keys, rows }: RestoredRows): void {
    for (const [i, row] of rows.entries()) {
      this.enter(keys[i])
      this.state.restoreRow(name, row)
    }
  }

  /** Most registrations repeat the one before of the same key, which its entry remembers. */
  registerEventTimer(time: number): void {
    const { state } = this
    const at = state.ensure('of a timer')
    const { f64 } = state.table
    if (f64[at + timerWord] === time) return
    this.#timers.event.add(state.key, state.hash, checkedTime(time))
    // No snapshot reads this word, so that its page need not be saved.
    f64[at + timerWord] = time
  }

  registerProcessingTimer(time: number): void {
    const { key, hash } = this.state
    this.#timers.processing.add(key, hash, checkedTime(time))
    this.#timers.request()
  }

  deleteEventTimer(time: number): void {
    const { key, hash } = this.state
    this.#forget(time)
    this.#timers.event.delete(key, hash, time)
  }

  deleteProcessingTimer(time: number): void {
    const { key, hash } = this.state
    this.#timers.processing.delete(key, hash, time)
  }

  advanceWatermark(watermark: number, fire: FireTurn, shouldStop: () => boolean): boolean {
    this.#fire = fire
    return this.#timers.advanceWatermark(watermark, this.#fireNext, shouldStop)
  }

  fireProcessingTimers(nowMs: number, fire: FireTurn, shouldStop: () => boolean): boolean {
    this.#fire = fire
    return this.#timers.fireProcessingTimers(nowMs, this.#fireNext, shouldStop)
  }

  /** All timers with their key groups, in no promised order. */
  *timers(maxParallelism: number): IterableIterator<Timer<undefined> & { readonly keyGroup: number }> {
    for (const domain of ['event', 'processing'] as const) {
      for (const { key, time } of this.#timers[domain].entries()) {
        const keyGroup = keyGroupOf(this.keys.hashOf(key), maxParallelism)
        yield { keyGroup, key: this.keys.keyOf(key), namespace: undefined, time, domain }
      }
    }
  }

  /** The current key's entry no longer remembers a timer that is gone. */
  #forget(time: number): void {
    const { state } = this
    const at = state.find('of a timer')
    if (at >= 0 && state.table.f64[at + timerWord] === time) state.table.f64[at + timerWord] = Number.NaN
  }
}
