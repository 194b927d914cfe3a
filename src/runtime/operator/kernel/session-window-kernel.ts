/**
 * Event-time session windows of a fixed gap with their default trigger and an incremental aggregate, over typed tables: the
 * fast form of the window operator. Elements that extend or follow their key's latest session are handled in the loop; all
 * others (out of order, late, for a session that has fired) take the plain way below it, with the same meaning.
 */
import { StreamError } from '../../../base/core/stream-error.ts'
import type { KeySpec } from '../../../program/graph/operator-descriptor.ts'
import { KeySpace, type KeySpaceKind } from '../../state/key-space.ts'
import { firstValueWord, type TypedTable } from '../../state/typed-table.ts'
import { maxWatermark, minWatermark, type OperatorContext } from '../operator.ts'
import type { WindowOperator } from '../window/window-operator.ts'
import type { Accumulator } from './accumulator.ts'
import { compileMerge, type MergeEntry } from './compile-merge.ts'
import { keyProperties, keyPropertiesText } from './key-properties.ts'
import type { EmitText, KernelKey, KernelNames, KernelRow, KernelText, KeyedKernel } from './keyed-kernel.ts'
import { type HeldWindow, plainText, plainWindows, ShapeChanged } from './plain-windows.ts'
import { SessionStore, sessionWords } from './session-store.ts'
import { type GroupRange, TableGroup, upsertText } from './table-group.ts'
import type { WindowEmitter } from './window-emitter.ts'

export interface SessionWindowOptions {
  readonly gapMs: number
  readonly allowedLatenessMs: number
  readonly range: GroupRange
  readonly key: KeySpec
  readonly accumulator: Accumulator
  /** Whether a result is { key, windowStart, windowEnd, ...aggregates } or the user's own. */
  readonly framed: boolean
  readonly lateTag: string | undefined
  /** The user's process function, which gets each result in place of the output. Only where windows fire once. */
  readonly emitter?: WindowEmitter
  /** Makes the plain operator. */
  readonly plain: () => WindowOperator
}

/** A live session of a key: in a record, or in the key's entry (-1). */
interface Located {
  readonly start: number
  readonly end: number
  readonly record: number
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
  readonly #merge: MergeEntry
  #watermark = minWatermark
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
    this.#merge = compileMerge(options.accumulator)
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

  addText({ kernel: K, id, saving, stop }: KernelNames, row: KernelRow, key: KernelKey): KernelText {
    if (this.plain !== undefined) return plainText(K, row, key)
    const { accumulator, range, gapMs } = this.#options
    const keyKind = this.keys.tableKeyKind
    const first = firstValueWord(keyKind)
    const ts = row.timestamp
    const start = `f${id}[e${id} + ${first}]`
    const end = `f${id}[e${id} + ${first + 1}]`
    return {
      before: `const tb${id} = ${K}.group.tables, of${id} = ${K}.openFrom`,
      row: `add${id}: {
${key.declare}
${upsertText(keyKind, first + this.store.words, key.k, key.h, `tb${id}`, range, id, saving)}
const we${id} = ${ts} + ${gapMs}, he${id} = ${end}
if (${ts} >= ${start} && ${ts} <= he${id} && he${id} > of${id}) { if (we${id} > he${id}) ${end} = we${id} }
else if (${ts} > he${id} && we${id} > of${id}) ${K}.begin(t${id}, e${id} + ${first}, ${ts}, ${key.k})
else { ${K}.unusual(${row.row}, ${ts}, ${key.k}, ${key.h}); if (${K}.plain !== undefined) ${stop}; break add${id} }
${accumulator.addText(`f${id}`, `e${id} + ${first + sessionWords}`, row, id, `${K}.misfit(${row.row}, ${ts}, ${key.value}); ${stop}`)}
}`,
      after: '',
    }
  }

  fireText(names: KernelNames, emit: EmitText, isFull: string): string {
    const { accumulator, framed, key } = this.#options
    const result = accumulator.resultText('f', `e + ${sessionWords}`)
    const row = framed ? `{ ${keyPropertiesText(key, this.keys, 'k')}windowStart: start, windowEnd: end, ${result} }` : result
    const keyValue = this.keys.kind === 'interned' ? 'values[k]' : 'k'
    return `const values = K.keys.values
for (;;) {
  if (${isFull}) return false
  if (!K.next()) return true
  const f = K.f64, e = K.at, k = K.key, start = f[e], end = f[e + 1], time = end - 1
  ${this.emitter === undefined ? `const r${names.id} = ${row}\n  ${emit(`r${names.id}`, 'time')}` : `K.emitter.emit(${keyValue}, { start, end }, ${row}, false)`}
}`
  }

  /** A row's accumulator has taken another shape: from this row on the plain operator does the work. */
  misfit(row: unknown, timestamp: number, key: unknown): void {
    this.plain = plainWindows(this.#options.plain, this.#watermark, this.#held())
    this.group = new TableGroup(this.keys, { ...this.#options.range, count: 0 }, this.store.initial)
    this.plain.processElement(row, timestamp, key)
  }

  #held(): HeldWindow[] {
    const { read } = this.#options.accumulator.user!
    const held: HeldWindow[] = []
    this.group.forEachEntry((tableKey, f64, at) => {
      const key = this.keys.keyOf(tableKey)
      for (const { start, end, record } of this.#sessionsOf(f64, at)) {
        const accumulator = record < 0 ? read(f64, at + sessionWords) : read(this.store.pool, record + sessionWords)
        held.push({ key, window: { start, end }, accumulator })
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
    table.saveBefore(table.upsert(k, h))
    this.unusual(row, timestamp, k, h)
  }

  #tableOf(hash: number): TypedTable {
    const { maxParallelism, first } = this.#options.range
    return this.group.tables[((hash >>> 0) % maxParallelism) - first]!
  }

  /** Begins a session behind all others of the key in its entry, of which `at` is the first value word. */
  begin(table: TypedTable, at: number, timestamp: number, key: number): void {
    const { f64 } = table
    const { store } = this
    if (f64[at] !== Number.POSITIVE_INFINITY) this.#lookAtRecord(store.retire(f64, at, key))
    f64[at] = timestamp
    f64[at + 1] = timestamp + this.#options.gapMs
    for (let w = sessionWords; w < store.words; w++) f64[at + w] = store.initial[w]!
    this.#watch(f64, at, key)
  }

  /** When something is due of a session that ends here: its firing, or, once it has fired, its cleanup. Infinity: never. */
  #dueTime(end: number): number {
    if (end - 1 > this.#watermark) return end - 1
    return this.#cleanupTime(end)
  }

  #cleanupTime(end: number): number {
    const time = end - 1 + this.#options.allowedLatenessMs
    return time < maxWatermark ? time : Number.POSITIVE_INFINITY
  }

  #lookAtRecord(record: number): void {
    const time = this.#dueTime(this.store.pool[record + 1]!)
    if (time < Number.POSITIVE_INFINITY) this.store.lookAtRecord(record, time)
  }

  #watch(f64: Float64Array, at: number, key: number, time = this.#dueTime(f64[at + 1]!)): void {
    if (f64[at + 3]! <= time) return
    f64[at + 3] = time
    this.store.lookAtKey(key, time)
  }

  /** An element for which the loop has no case. Its key has an entry. */
  unusual(row: unknown, timestamp: number, key: number, hash: number): void {
    if (Number.isNaN(timestamp)) throw this.#withoutTimestamp()
    try {
      this.#add(row, timestamp, key, hash)
    } catch (thrown) {
      if (!(thrown instanceof ShapeChanged)) throw thrown
      this.misfit(row, timestamp, this.keys.keyOf(key))
    }
  }

  #add(row: unknown, timestamp: number, key: number, hash: number): void {
    const { accumulator, gapMs } = this.#options
    const table = this.#tableOf(hash)
    const { f64 } = table
    const at = table.find(key, hash) + this.#firstWord
    const sessions = this.#sessionsOf(f64, at)
    const met = sessions.filter(({ start, end }) => start <= timestamp + gapMs && end >= timestamp)
    if (met.length === 0 && this.#isLate(timestamp + gapMs)) {
      this.#dropLate(row, timestamp)
      return
    }
    const record = met.length === 0 ? this.#insert(table, at, timestamp, key, sessions) : this.#join(f64, at, timestamp, key, met)
    const where = record < 0 ? f64 : this.store.pool
    const from = record < 0 ? at : record
    accumulator.add(where, from + sessionWords, row)
    if (where[from + 1]! - 1 <= this.#watermark) this.#emitNow(where, from, key)
  }

  /** Latest first. */
  #sessionsOf(f64: Float64Array, at: number): Located[] {
    if (f64[at] === Number.POSITIVE_INFINITY) return []
    const { pool } = this.store
    const sessions: Located[] = [{ start: f64[at]!, end: f64[at + 1]!, record: -1 }]
    for (let record = f64[at + 2]!; record >= 0; record = pool[record + 2]!)
      sessions.push({ start: pool[record]!, end: pool[record + 1]!, record })
    return sessions
  }

  /** A session of its own; answers its record, or -1 for the entry. */
  #insert(table: TypedTable, at: number, timestamp: number, key: number, sessions: readonly Located[]): number {
    const behind = sessions.findLast(({ start }) => start > timestamp)
    if (behind === undefined) {
      this.begin(table, at, timestamp, key)
      return -1
    }
    const before = sessions.find(({ end }) => end < timestamp)
    const record = this.#write(key, timestamp, timestamp + this.#options.gapMs, this.store.initial.subarray(sessionWords))
    this.store.link(table.f64, at, before?.record ?? -1, record, behind.record)
    this.#lookAtRecord(record)
    return record
  }

  #write(key: number, start: number, end: number, accumulator: Float64Array): number {
    const record = this.store.allocate()
    const { pool } = this.store
    pool[record] = start
    pool[record + 1] = end
    pool[record + 3] = key
    pool.set(accumulator, record + sessionWords)
    return record
  }

  /** Makes one session of the element's window and those that it meets (latest first); answers its record, or -1 for the entry. */
  #join(f64: Float64Array, at: number, timestamp: number, key: number, met: readonly Located[]): number {
    const earliest = met.at(-1)!
    const latest = met[0]!
    const start = Math.min(earliest.start, timestamp)
    const end = Math.max(latest.end, timestamp + this.#options.gapMs)
    if (met.length === 1 && start === latest.start && end === latest.end) return latest.record
    const merged = this.#mergedAccumulator(f64, at, met)
    if (latest.record < 0) {
      for (const { record } of met) if (record >= 0) this.#kill(record, f64, at)
      f64[at] = start
      f64[at + 1] = end
      f64.set(merged, at + sessionWords)
      this.#watch(f64, at, key)
      return -1
    }
    const before = this.store.pool[earliest.record + 2]!
    const behind = this.store.behind(latest.record)
    for (const { record } of met) this.#kill(record, f64, at)
    const record = this.#write(key, start, end, merged)
    this.store.link(f64, at, before, record, behind)
    this.#lookAtRecord(record)
    return record
  }

  /** In order of the sessions' start, whatever the order of their elements. */
  #mergedAccumulator(f64: Float64Array, at: number, met: readonly Located[]): Float64Array {
    const { pool, words } = this.store
    const merged = new Float64Array(words - sessionWords)
    for (let m = met.length - 1; m >= 0; m--) {
      const { record } = met[m]!
      const from = (record < 0 ? at : record) + sessionWords
      const memory = record < 0 ? f64 : pool
      if (m === met.length - 1) merged.set(memory.subarray(from, from + merged.length))
      else this.#merge(merged, 0, memory, from)
    }
    return merged
  }

  /** Takes a record's session out. The record is freed when it is looked at, if it ever is. */
  #kill(record: number, f64: Float64Array, at: number): void {
    const { store } = this
    const end = store.pool[record + 1]!
    store.unlink(record, () => ({ f64, at }))
    store.pool[record + 1] = Number.NEGATIVE_INFINITY
    if (this.#dueTime(end) === Number.POSITIVE_INFINITY) store.free(record)
  }

  #isLate(end: number): boolean {
    return Math.min(end - 1 + this.#options.allowedLatenessMs, maxWatermark) <= this.#watermark
  }

  #dropLate(row: unknown, timestamp: number): void {
    const { allowedLatenessMs, lateTag } = this.#options
    if (timestamp + allowedLatenessMs > this.#watermark) return
    if (lateTag === undefined) this.#ctx.numLateRecordsDropped.value++
    else this.#ctx.output.emitSide(lateTag, row, timestamp)
  }

  #emitNow(f64: Float64Array, at: number, key: number): void {
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

  advanceWatermark(watermark: number): boolean {
    if (this.plain !== undefined) return this.plain.advanceWatermark(watermark)
    this.emitter?.advance(watermark)
    this.#target = Math.max(this.#watermark, watermark)
    if (!this.fireLoop!(this)) return false
    this.#watermark = this.#target
    this.openFrom = this.#watermark + 1
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
    else if (end - 1 < this.#time) this.#dropRecord(record)
    else {
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
    const due = end - 1 > this.#time ? end - 1 : this.#cleanupTime(end)
    if (due <= this.#time) this.#empty(f64, at)
    else this.#watch(f64, at, key, due)
    return false
  }

  /** What is left to do for the session that was emitted. */
  #finish(): void {
    if (this.#emitting === undefined) return
    const { f64, at, key } = this
    const cleanup = this.#cleanupTime(f64[at + 1]!)
    if (this.#emitting === 'record') {
      if (cleanup <= this.#time) this.#dropRecord(at)
      else if (cleanup < Number.POSITIVE_INFINITY) this.store.lookAtRecord(at, cleanup)
    } else if (cleanup <= this.#time) this.#empty(f64, at)
    else this.#watch(f64, at, key, cleanup)
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
