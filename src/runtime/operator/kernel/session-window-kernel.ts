/**
 * Event-time session windows of a fixed gap with their default trigger and an incremental aggregate, over typed tables: the
 * fast form of the window operator. Elements that extend or follow their key's latest session are handled in the loop; all
 * others (out of order, late, for a session that has fired) take the plain way below it, with the same meaning.
 */
import { StreamError } from '../../../base/core/stream-error.ts'
import { KeySpace, type KeySpaceKind } from '../../state/key-space.ts'
import type { RestoredState, StateSnapshot } from '../../state/snapshot.ts'
import { firstValueWord, type TypedTable } from '../../state/typed-table.ts'
import { minWatermark, type OperatorContext } from '../operator.ts'
import { oddWindowsTable } from '../window/accumulator-columns.ts'
import type { WindowOperator } from '../window/window-operator.ts'
import { compileMerge } from './compile-merge.ts'
import { keyProperties } from './key-properties.ts'
import type { EmitText, KernelKey, KernelNames, KernelRow, KernelText, KeyedKernel } from './keyed-kernel.ts'
import { type HeldWindow, plainText, plainWindows, ShapeChanged } from './plain-windows.ts'
import { isOfForm, type RestoredWindow, restoredWindows, writeRestored } from './restore-windows.ts'
import { SessionPlaces } from './session-places.ts'
import { snapshotSessions } from './session-snapshot.ts'
import { SessionStore, sessionWords } from './session-store.ts'
import { inEntry, isLate, isMisfit, sessionAddText, sessionFireText } from './session-text.ts'
import { TableGroup } from './table-group.ts'
import type { WindowEmitter } from './window-emitter.ts'
import type { WindowKernelOptions } from './window-kernel-options.ts'
import { type WindowsForm, windowsForm } from './window-rows.ts'

export interface SessionWindowOptions extends WindowKernelOptions {
  readonly gapMs: number
}

const nowhere = new Float64Array(0)

export class SessionWindowKernel implements KeyedKernel {
  readonly keys = new KeySpace()
  readonly store: SessionStore
  readonly fieldsRead: readonly string[] | undefined
  readonly bindings: Readonly<Record<string, unknown>>
  readonly emitter: WindowEmitter | undefined
  /** Does all the work since an accumulator has changed its shape. */
  plain: WindowOperator | undefined
  isSaving = false
  group: TableGroup
  fireLoop?: (kernel: SessionWindowKernel) => boolean
  /** Sessions that end here or before have fired. */
  openFrom = minWatermark
  /** The session to emit: its first word, and its table key. */
  f64: Float64Array = nowhere
  at = 0
  key = 0
  readonly #options: SessionWindowOptions
  readonly #ctx: OperatorContext
  readonly places: SessionPlaces
  readonly #form: WindowsForm
  #openSnapshots = 0
  #target = minWatermark
  /** What is looked at now, with cursors. */
  #time = 0
  #records: readonly number[] = []
  #keys: readonly number[] = []
  #nextRecord = 0
  #nextKey = 0
  /** Where the session to emit is, until it is dealt with. */
  #emitting: 'record' | TypedTable | undefined

  constructor(options: SessionWindowOptions, ctx: OperatorContext) {
    this.#options = options
    this.#ctx = ctx
    this.fieldsRead = options.lateTag === undefined ? options.accumulator.fieldsRead : undefined
    this.bindings = options.accumulator.bindings
    this.emitter = options.emitter
    this.store = new SessionStore(options.accumulator.initial)
    this.group = new TableGroup(this.keys, options.range, this.store.initial)
    this.#dropVacant()
    this.places = new SessionPlaces(this.store, options, compileMerge(options.accumulator))
    this.#form = windowsForm(options.accumulator, false)
  }

  get layout(): string {
    return this.plain === undefined ? '' : 'plain'
  }

  requireKeyKind(kind: KeySpaceKind): void {
    if (this.plain !== undefined) return
    if (this.keys.wantsSweep) this.#sweep()
    if (!this.keys.isBelow(kind)) return
    // What was narrower was a number, and numbers were themselves.
    this.keys.widenTo(kind)
    this.group.convert(this.keys, (key) => key)
    this.store.convertKeys((key) => this.keys.idOf(key))
    this.#dropVacant()
  }

  /** Keys of all entries and looks: those of earlier sessions have an entry. */
  #sweep(): void {
    this.keys.sweep((use) => {
      this.group.forEachKey(use)
      this.store.forEachKey(use)
    })
  }

  /** Lets tables forget the keys that have no session. */
  #dropVacant(): void {
    const first = this.#firstWord
    for (const table of this.group.tables) table.isVacant = (_, f64, at) => f64[at + first] === Number.POSITIVE_INFINITY
  }

  get #firstWord(): number {
    return firstValueWord(this.keys.tableKeyKind)
  }

  addText(names: KernelNames, row: KernelRow, key: KernelKey): KernelText {
    return this.plain === undefined ? sessionAddText(this.#options, this.keys, names, row, key) : plainText(names.kernel, row, key)
  }

  fireText(names: KernelNames, emit: EmitText, isFull: string): string {
    return sessionFireText(this.#options, this.keys, names, emit, isFull)
  }

  /** A row's accumulator has taken another shape: from this row on the plain operator does the work. */
  misfit(row: unknown, timestamp: number, key: unknown): void {
    this.#becomePlain().processElement(row, timestamp, key)
  }

  #becomePlain(): WindowOperator {
    this.plain = plainWindows(this.#options.plain, this.places.watermark, this.#held())
    this.group = new TableGroup(this.keys, { ...this.#options.range, count: 0 }, this.store.initial)
    return this.plain
  }

  #held(): HeldWindow[] {
    const { read } = this.#options.accumulator.user!
    const held: HeldWindow[] = []
    this.group.forEachEntry((tableKey, f64, at) => {
      const key = this.keys.keyOf(tableKey)
      if (f64[at] === Number.POSITIVE_INFINITY) return
      const { pool } = this.store
      held.push({ key, window: { start: f64[at]!, end: f64[at + 1]! }, accumulator: read(f64, at + sessionWords) })
      for (let record = f64[at + 2]!; record >= 0; record = pool[record + 2]!) {
        held.push({ key, window: { start: pool[record]!, end: pool[record + 1]! }, accumulator: read(pool, record + sessionWords) })
      }
    })
    return held
  }

  processElement(row: unknown, timestamp: number, key: unknown): void {
    if (this.plain !== undefined) {
      this.plain.processElement(row, timestamp, key)
      return
    }
    this.requireKeyKind(typeof key === 'number' ? ((key | 0) === key ? 'int32' : 'float64') : 'interned')
    const k = this.keys.idOf(key)
    const h = this.keys.hashOf(k)
    const table = this.#tableOf(h)
    const entry = table.upsert(k, h)
    table.saveBefore(entry)
    const at = entry + this.#firstWord
    const record = this.place(table, at, timestamp, k)
    if (record === isLate) this.late(row, timestamp)
    else if (record === isMisfit || !this.#adds(record, table.f64, at, row)) this.misfit(row, timestamp, key)
    else this.#emitIfDue(record, table.f64, at, k)
  }

  #adds(record: number, f64: Float64Array, at: number, row: unknown): boolean {
    try {
      if (record < 0) this.#options.accumulator.add(f64, at + sessionWords, row)
      else this.#options.accumulator.add(this.store.pool, record + sessionWords, row)
      return true
    } catch (thrown) {
      if (thrown instanceof ShapeChanged) return false
      throw thrown
    }
  }

  #emitIfDue(record: number, f64: Float64Array, at: number, key: number): void {
    const where = record < 0 ? f64 : this.store.pool
    const from = record < 0 ? at : record
    if (where[from + 1]! <= this.openFrom) this.emitNow(where, from, key)
  }

  #tableOf(hash: number): TypedTable {
    const { maxParallelism, first } = this.#options.range
    return this.group.tables[((hash >>> 0) % maxParallelism) - first]!
  }

  /** Where an element goes for which the loop has no case; see SessionPlaces. */
  place(table: TypedTable, at: number, timestamp: number, key: number): number {
    if (Number.isNaN(timestamp)) throw this.#withoutTimestamp()
    return this.places.place(table, at, timestamp, key)
  }

  /** An element that no live session takes. */
  late(row: unknown, timestamp: number): void {
    const { allowedLatenessMs, lateTag } = this.#options
    if (timestamp + allowedLatenessMs > this.places.watermark) return
    if (lateTag === undefined) this.#ctx.numLateRecordsDropped.value++
    else this.#ctx.output.emitSide(lateTag, row, timestamp)
  }

  /** What a session that has fired already holds now. */
  emitNow(f64: Float64Array, at: number, key: number): void {
    const { accumulator, framed } = this.#options
    const start = f64[at]!
    const end = f64[at + 1]!
    const result = accumulator.result(f64, at + sessionWords)
    this.#ctx.output.emit(
      framed ? { ...keyProperties(this.#options.key, this.keys.keyOf(key)), windowStart: start, windowEnd: end, ...result } : result,
      end - 1,
    )
  }

  #withoutTimestamp(): StreamError {
    return new StreamError('INVALID_PROGRAM', `A record without a timestamp came to the event-time window '${this.#ctx.operatorName}'`, {
      hint: 'Give the source a watermark strategy (watermarks: boundedOutOfOrderness(...)), or use a processing-time window.',
      place: { operator: this.#ctx.operatorName },
    })
  }

  get currentWatermark(): number {
    return this.plain === undefined ? this.places.watermark : this.plain.currentWatermark
  }

  snapshotState(): readonly StateSnapshot[] {
    if (this.plain !== undefined) return this.plain.snapshotState()
    this.#openSnapshots++
    this.isSaving = true
    const released = (): void => {
      this.isSaving = --this.#openSnapshots > 0
    }
    const { store, group, keys } = this
    return [snapshotSessions({ form: this.#form, store, group, keys, range: this.#options.range, released })]
  }

  async restoreState(restored: RestoredState): Promise<void> {
    const { accumulator, plain } = this.#options
    if (!isOfForm(restored, this.#form, accumulator)) {
      this.plain = plain()
      return this.plain.restoreState(restored)
    }
    if (restored.watermark > minWatermark) {
      this.places.watermark = restored.watermark
      this.openFrom = this.places.watermark + 1
      this.emitter?.advance(this.places.watermark)
    }
    const { name, bounds, columns } = this.#form
    for await (const window of restoredWindows(restored.tables, name, bounds, columns)) this.#adopt(window)
    for await (const { key, start, end, words } of restoredWindows(restored.tables, oddWindowsTable, bounds, ['value']))
      (this.plain ?? this.#becomePlain()).adopt(key, { start, end }, words[0])
  }

  /** Sessions come in any order. */
  #adopt({ key, start, end, words }: RestoredWindow): void {
    this.requireKeyKind(typeof key === 'number' ? ((key | 0) === key ? 'int32' : 'float64') : 'interned')
    const { store } = this
    const k = this.keys.idOf(key)
    const hash = this.keys.hashOf(k)
    const table = this.#tableOf(hash)
    const at = table.upsert(k, hash) + this.#firstWord
    const { f64 } = table
    if (f64[at] === Number.POSITIVE_INFINITY || start > f64[at]!) {
      this.places.begin(table, at, start, k, end)
      writeRestored(this.#options.accumulator, f64, at + sessionWords, words)
      return
    }
    let behind = inEntry
    let before = f64[at + 2]!
    for (; before >= 0 && store.pool[before]! > start; before = store.pool[before + 2]!) behind = before
    const record = this.places.insert(f64, at, before, behind, start, k, end)
    writeRestored(this.#options.accumulator, store.pool, record + sessionWords, words)
  }

  advanceWatermark(watermark: number): boolean {
    if (this.plain !== undefined) return this.plain.advanceWatermark(watermark)
    this.emitter?.advance(watermark)
    this.#target = Math.max(this.places.watermark, watermark)
    if (!this.fireLoop!(this)) return false
    this.places.watermark = this.#target
    this.openFrom = this.places.watermark + 1
    return true
  }

  /** Deals with the session that was emitted and finds the next one that is due; false: there is none. */
  next(): boolean {
    this.#finish()
    for (;;) {
      if (this.#nextRecord < this.#records.length) {
        if (this.#lookRecord(this.#records[this.#nextRecord++]!)) return true
      } else if (this.#nextKey < this.#keys.length) {
        if (this.#lookKey(this.#keys[this.#nextKey++]!)) return true
      } else {
        if (this.store.nextTime > this.#target) return false
        const { time, looks } = this.store.takeLooks()
        this.#time = time
        this.#records = looks.records
        this.#keys = looks.keys
        this.#nextRecord = 0
        this.#nextKey = 0
      }
    }
  }

  /** True: this one is due. */
  #lookRecord(record: number): boolean {
    const { pool } = this.store
    const end = pool[record + 1]!
    if (end === Number.NEGATIVE_INFINITY) this.store.free(record)
    else if (end - 1 > this.#time) this.store.lookAtRecord(record, end - 1)
    else if (end - 1 < this.#time) {
      const cleanup = this.places.cleanupTime(end)
      if (cleanup <= this.#time) this.#dropRecord(record)
      else if (cleanup < Number.POSITIVE_INFINITY) this.store.lookAtRecord(record, cleanup)
    } else {
      this.f64 = pool
      this.at = record
      this.key = pool[record + 3]!
      this.#emitting = 'record'
      return true
    }
    return false
  }

  #lookKey(key: number): boolean {
    const hash = this.keys.hashOf(key)
    const table = this.#tableOf(hash)
    const entry = table.find(key, hash)
    if (entry < 0) return false
    const at = entry + this.#firstWord
    const { f64 } = table
    if (f64[at + 3] !== this.#time) return false
    table.saveBefore(entry)
    f64[at + 3] = Number.POSITIVE_INFINITY
    if (f64[at] === Number.POSITIVE_INFINITY) return false
    const end = f64[at + 1]!
    if (end - 1 === this.#time) {
      this.f64 = f64
      this.at = at
      this.key = key
      this.#emitting = table
      return true
    }
    const due = end - 1 > this.#time ? end - 1 : this.places.cleanupTime(end)
    if (due <= this.#time) this.#empty(f64, at)
    else this.places.watch(f64, at, key, due)
    return false
  }

  /** What is left to do for the session that was emitted. */
  #finish(): void {
    if (this.#emitting === undefined) return
    const { f64, at, key } = this
    const cleanup = this.places.cleanupTime(f64[at + 1]!)
    if (this.#emitting === 'record') {
      if (cleanup <= this.#time) this.#dropRecord(at)
      else if (cleanup < Number.POSITIVE_INFINITY) this.store.lookAtRecord(at, cleanup)
    } else if (cleanup <= this.#time) this.#empty(f64, at)
    else this.places.watch(f64, at, key, cleanup)
    this.#emitting = undefined
  }

  #dropRecord(record: number): void {
    const key = this.store.pool[record + 3]!
    this.store.unlink(record, () => {
      const hash = this.keys.hashOf(key)
      const table = this.#tableOf(hash)
      const entry = table.find(key, hash)
      table.saveBefore(entry)
      return { f64: table.f64, at: entry + this.#firstWord }
    })
    this.store.free(record)
  }

  #empty(f64: Float64Array, at: number): void {
    f64[at] = Number.POSITIVE_INFINITY
    f64[at + 1] = Number.NEGATIVE_INFINITY
  }
}
