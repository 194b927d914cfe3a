/**
 * Tumbling and sliding event-time windows with their default trigger and an incremental aggregate, over typed tables: the
 * fast form of the window operator. Results, late data and lateness are exactly the plain operator's.
 */
import { StreamError } from '../../../base/core/stream-error.ts'
import { KeySpace, type KeySpaceKind } from '../../state/key-space.ts'
import type { RestoredState, StateSnapshot } from '../../state/snapshot.ts'
import { firstValueWord, type TypedTable } from '../../state/typed-table.ts'
import { minWatermark, type OperatorContext } from '../operator.ts'
import { oddWindowsTable } from '../window/accumulator-columns.ts'
import type { WindowOperator } from '../window/window-operator.ts'
import { otherAssigner } from '../window/window-restore.ts'
import { compileMerge, type MergeEntry } from './compile-merge.ts'
import { keyProperties, keyPropertiesText } from './key-properties.ts'
import type { KernelKey, KernelNames, KernelRow, KernelText, KeyedKernel } from './keyed-kernel.ts'
import { type SnapshotPane, snapshotPanes } from './pane-snapshot.ts'
import { type PaneOptions, PaneStore } from './pane-store.ts'
import { type HeldWindow, plainText, plainWindows, ShapeChanged } from './plain-windows.ts'
import { isOfForm, type RestoredWindow, restoredWindows, writeRestored } from './restore-windows.ts'
import { entryText, type TableGroup, upsertText } from './table-group.ts'
import type { WindowEmitter } from './window-emitter.ts'
import type { WindowKernelOptions } from './window-kernel-options.ts'
import { type WindowsForm, windowsForm } from './window-rows.ts'

export interface PaneWindowOptions extends WindowKernelOptions, PaneOptions {}

export class PaneWindowKernel implements KeyedKernel {
  readonly keys = new KeySpace()
  panes: PaneStore
  readonly fieldsRead: readonly string[] | undefined
  readonly bindings: Readonly<Record<string, unknown>>
  readonly emitter: WindowEmitter | undefined
  /** Does all the work since an accumulator has changed its shape. */
  plain: WindowOperator | undefined
  isSaving = false
  fireLoop?: (kernel: PaneWindowKernel) => boolean
  /** The window being fired, and the cursor in it: table, then slot. */
  tables: readonly TypedTable[] = []
  windowStart = 0
  windowEnd = 0
  table = 0
  slot = 0
  /** Timestamps below are late, or belong to a window that has fired already. */
  openFrom = Number.NEGATIVE_INFINITY
  readonly #options: PaneWindowOptions
  readonly #ctx: OperatorContext
  readonly #merge: MergeEntry | undefined
  readonly #form: WindowsForm
  #firing: { readonly scratch: TableGroup | undefined } | undefined
  #watermark = minWatermark
  #openSnapshots = 0

  constructor(options: PaneWindowOptions, ctx: OperatorContext) {
    this.#options = options
    this.#ctx = ctx
    this.fieldsRead = options.lateTag === undefined ? options.accumulator.fieldsRead : undefined
    this.bindings = options.accumulator.bindings
    this.emitter = options.emitter
    this.panes = new PaneStore(options, this.keys, options.range, options.accumulator.initial)
    const ofPanes = this.panes.paneMs !== options.sizeMs
    this.#merge = ofPanes ? compileMerge(options.accumulator) : undefined
    this.#form = windowsForm(options.accumulator, ofPanes)
  }

  get layout(): string {
    return this.plain === undefined ? '' : 'plain'
  }

  requireKeyKind(kind: KeySpaceKind): void {
    if (this.plain !== undefined) return
    if (this.keys.wantsSweep) this.keys.sweep((use) => this.panes.panes.forEach(({ group }) => group?.forEachKey(use)))
    if (!this.keys.isBelow(kind)) return
    const old = this.keys.kind
    const keyOf = old === 'interned' ? (key: number) => this.keys.keyOf(key) : (key: number) => key
    this.keys.widenTo(kind)
    if (this.keys.tableKeyKind === 'float64' || kind === 'interned') for (const group of this.panes.groups) group.convert(this.keys, keyOf)
    this.panes.current = this.panes.current.group === undefined ? this.panes.current : this.panes.enter(this.panes.current.start)
  }

  addText({ kernel: K, id, saving, stop }: KernelNames, row: KernelRow, key: KernelKey): KernelText {
    if (this.plain !== undefined) return plainText(K, row, key)
    const { accumulator, range } = this.#options
    const keyKind = this.keys.tableKeyKind
    const stride = firstValueWord(keyKind) + accumulator.initial.length
    const ts = row.timestamp
    const add = accumulator.addText(
      `f${id}`,
      `e${id} + ${firstValueWord(keyKind)}`,
      row,
      id,
      `${K}.misfit(${row.row}, ${ts}, ${key.value}); ${stop}`,
      saving,
    )
    // A user's function would be called in the common form, and may end it: not worth a second copy of what V8 inlines.
    const isOwn = accumulator.user === undefined && accumulator.objects === undefined
    return {
      before: `let pane${id} = ${K}.panes.current, ps${id} = pane${id}.start, pe${id} = pane${id}.end, tb${id} = pane${id}.group === undefined ? null : pane${id}.group.tables\nconst of${id} = ${K}.openFrom\nlet nt${id} = null, nk${id} = 0, nh${id} = 0`,
      row: `add${id}: {
if (!(${ts} >= of${id})) { ${key.declare}; ${K}.unusual(${row.row}, ${ts}, ${key.k}, ${key.h}); if (${K}.plain !== undefined) ${stop}; pane${id} = ${K}.panes.current; ps${id} = pane${id}.start; pe${id} = pane${id}.end; tb${id} = pane${id}.group === undefined ? null : pane${id}.group.tables; break add${id} }
if (${ts} < ps${id} || ${ts} >= pe${id}) { pane${id} = ${K}.panes.enter(${ts}); ps${id} = pane${id}.start; pe${id} = pane${id}.end; tb${id} = pane${id}.group === undefined ? null : pane${id}.group.tables }
if (tb${id} === null) break add${id}
${key.declare}
${upsertText(keyKind, stride, key.k, key.h, `tb${id}`, range, id, saving)}
${add}
}`,
      after: '',
      ...(isOwn && {
        common: {
          when: `tb${id} !== null`,
          before: `const lo${id} = of${id} > ps${id} ? of${id} : ps${id}`,
          row: (leave) => `if (!(${ts} >= lo${id}) || ${ts} >= pe${id}) break ${leave}
${key.declare}
${entryText(keyKind, stride, key.k, key.h, `tb${id}`, range, id, saving, `nt${id} = t${id}; nk${id} = ${key.k}; nh${id} = ${key.h}; break ${leave}`)}
${add}`,
          left: `if (nt${id} !== null) {
const t${id} = nt${id}, e${id} = t${id}.insert(nk${id}, nh${id}), f${id} = t${id}.f64
nt${id} = null
${add}
continue
}`,
        },
      }),
    }
  }

  fireText(names: KernelNames, emit: (row: string, timestamp: string) => string, isFull: string): string {
    const { accumulator } = this.#options
    const keyKind = this.keys.tableKeyKind
    const stride = firstValueWord(keyKind) + accumulator.initial.length
    const stamp = keyKind === 'int32' ? 1 : 2
    const result = accumulator.resultText('f', `e + ${firstValueWord(keyKind)}`)
    const tableKey = keyKind === 'int32' ? 'a[e * 2]' : 'f[e]'
    const key = this.keys.kind === 'interned' ? `values[${tableKey}]` : tableKey
    const row = this.#options.framed
      ? `{ ${keyPropertiesText(this.#options.key, this.keys, tableKey)}windowStart: start, windowEnd: end, ${result} }`
      : result
    return `const start = K.windowStart, end = K.windowEnd, time = end - 1, values = K.keys.values
for (let g = K.table; g < K.tables.length; g++, K.slot = 0) {
  const t = K.tables[g]
  if (t.size === 0) continue
  const a = t.i32, f = t.f64, st = t.stamp
  for (let s = K.slot; s < t.capacity; s++) {
    const e = s * ${stride}
    if (a[e * 2 + ${stamp}] !== st) continue
    if (${isFull}) { K.table = g; K.slot = s; return false }
    ${this.emitter === undefined ? `const r${names.id} = ${row}\n    ${emit(`r${names.id}`, 'time')}` : `K.emitter.emit(${key}, { start, end }, ${row}, false)`}
  }
}
return true`
  }

  /** A row's accumulator has taken another shape: from this row on the plain operator does the work. */
  misfit(row: unknown, timestamp: number, key: unknown): void {
    this.#becomePlain()
    this.plain!.processElement(row, timestamp, key)
  }

  #becomePlain(): void {
    const watermark = Math.max(this.#watermark, this.panes.firedTo - 1)
    this.plain = plainWindows(this.#options.plain, watermark, this.held(watermark))
    this.panes = new PaneStore(this.#options, this.keys, this.#options.range, this.#options.accumulator.initial)
  }

  /** The windows that are still of use. */
  protected *held(watermark: number): Generator<HeldWindow> {
    const { sizeMs, allowedLatenessMs, accumulator } = this.#options
    const { read, fn } = accumulator.user!
    const starts = new Set([...this.panes.panes.values()].flatMap((pane) => this.panes.windowStartsOf(pane.start)))
    for (const start of starts) {
      const window = { start, end: start + sizeMs }
      if (window.end - 1 + allowedLatenessMs <= watermark) continue
      const found = new Map<number, unknown>()
      for (const { group } of this.panes.panesOf(window.end)) {
        group!.forEachEntry((key, f64, at) => {
          const accumulator = read(f64, at)
          found.set(key, found.has(key) ? fn.merge!(found.get(key), accumulator) : accumulator)
        })
      }
      for (const [key, accumulator] of found) yield { key: this.keys.keyOf(key), window, accumulator }
    }
  }

  processElement(row: unknown, timestamp: number, key: unknown): void {
    if (this.plain !== undefined) {
      this.plain.processElement(row, timestamp, key)
      return
    }
    this.requireKeyKind(typeof key === 'number' ? ((key | 0) === key ? 'int32' : 'float64') : 'interned')
    const k = this.keys.idOf(key)
    const h = this.keys.hashOf(k)
    if (!(timestamp >= this.openFrom)) this.unusual(row, timestamp, k, h)
    else this.#addOrMisfit(row, timestamp, k, h)
  }

  /** A row without a timestamp, late, or for a window that has fired: rare, so in plain form. */
  unusual(row: unknown, timestamp: number, key: number, hash: number): void {
    if (Number.isNaN(timestamp)) {
      throw new StreamError('INVALID_PROGRAM', `A record without a timestamp came to the event-time window '${this.#ctx.operatorName}'`, {
        hint: 'Give the source a watermark strategy (watermarks: boundedOutOfOrderness(...)), or use a processing-time window.',
        place: { operator: this.#ctx.operatorName },
      })
    }
    const { sizeMs, allowedLatenessMs, lateTag } = this.#options
    const starts = this.panes.windowStartsOf(timestamp)
    const live = starts.filter((start) => start + sizeMs - 1 + allowedLatenessMs > this.#watermark)
    if (live.length === 0) {
      if (starts.length === 0 || timestamp + allowedLatenessMs > this.#watermark) return
      if (lateTag !== undefined) this.#ctx.output.emitSide(lateTag, row, timestamp)
      else this.#ctx.numLateRecordsDropped.value++
      return
    }
    if (!this.#addOrMisfit(row, timestamp, key, hash)) return
    for (const start of live) if (start + sizeMs - 1 <= this.#watermark) this.#emitOne(start, key, hash)
  }

  /** False: the plain operator has taken the row. */
  #addOrMisfit(row: unknown, timestamp: number, key: number, hash: number): boolean {
    try {
      this.#add(row, timestamp, key, hash)
      return true
    } catch (thrown) {
      if (!(thrown instanceof ShapeChanged)) throw thrown
      this.misfit(row, timestamp, this.keys.keyOf(key))
      return false
    }
  }

  #add(row: unknown, timestamp: number, key: number, hash: number): void {
    const { group } = this.panes.enter(timestamp)
    if (group === undefined) return
    const table = group.tables[this.#groupOf(hash)]!
    const at = table.upsert(key, hash)
    table.saveBefore(at)
    this.#options.accumulator.add(table.f64, at + firstValueWord(table.keyKind), row)
  }

  #groupOf(hash: number): number {
    return ((hash >>> 0) % this.#options.range.maxParallelism) - this.#options.range.first
  }

  /** The whole content of one fired window for one key, after a late element changed it. */
  #emitOne(start: number, key: number, hash: number): void {
    const { accumulator, sizeMs } = this.#options
    const merged = accumulator.initial.slice()
    let ofUser: unknown
    let found = 0
    for (const pane of this.panes.panesOf(start + sizeMs)) {
      const table = pane.group!.tables[this.#groupOf(hash)]!
      const at = table.find(key, hash)
      if (at < 0) continue
      const from = at + firstValueWord(table.keyKind)
      const isFirst = found++ === 0
      // A user's merge may answer anything, and it is only looked at here.
      if (accumulator.user !== undefined)
        ofUser = isFirst
          ? accumulator.user.read(table.f64, from)
          : accumulator.user.fn.merge!(ofUser, accumulator.user.read(table.f64, from))
      else if (isFirst) merged.set(table.f64.subarray(from, from + merged.length))
      else this.#merge!(merged, 0, table.f64, from)
    }
    const result = accumulator.user === undefined ? accumulator.result(merged, 0) : accumulator.user.resultOf(ofUser)
    this.#ctx.output.emit(
      this.#options.framed
        ? { ...keyProperties(this.#options.key, this.keys.keyOf(key)), windowStart: start, windowEnd: start + sizeMs, ...result }
        : result,
      start + sizeMs - 1,
    )
  }

  get currentWatermark(): number {
    return this.plain === undefined ? this.#watermark : this.plain.currentWatermark
  }

  snapshotState(): readonly StateSnapshot[] {
    if (this.plain !== undefined) return this.plain.snapshotState()
    this.#openSnapshots++
    this.isSaving = true
    const released = (): void => {
      this.isSaving = --this.#openSnapshots > 0
    }
    const { range, accumulator } = this.#options
    return [snapshotPanes({ form: this.#form, panes: this.livePanes(), keys: this.keys, range, accumulator, released })]
  }

  async restoreState(restored: RestoredState): Promise<void> {
    const { accumulator, plain } = this.#options
    if (!isOfForm(restored, this.#form, accumulator)) {
      this.plain = plain()
      return this.plain.restoreState(restored)
    }
    this.restoreTime(restored.watermark)
    const { name, bounds, columns } = this.#form
    for await (const window of restoredWindows(restored.tables, name, bounds, columns, accumulator.declared)) this.#adopt(window)
    for await (const { key, start, end, words } of restoredWindows(restored.tables, oddWindowsTable, bounds, ['value'])) {
      if (this.plain === undefined) this.#becomePlain()
      this.plain!.adopt(key, { start, end }, words[0])
    }
  }

  protected livePanes(): readonly SnapshotPane[] {
    return this.panes.live
  }

  protected restoreTime(watermark: number): void {
    if (watermark <= minWatermark) return
    this.#watermark = watermark
    this.panes.restoreTime(watermark)
    this.openFrom = this.panes.firedTo
    this.emitter?.advance(watermark)
  }

  /** The tables of what a snapshot says is a pane. */
  protected groupOfPane(start: number, end: number): TableGroup {
    const pane = this.panes.enter(start)
    if (pane.start === start && pane.end === end && pane.group !== undefined) return pane.group
    throw otherAssigner(this.#ctx.operatorName, { start, end })
  }

  #adopt({ key, start, end, words }: RestoredWindow): void {
    this.requireKeyKind(typeof key === 'number' ? ((key | 0) === key ? 'int32' : 'float64') : 'interned')
    const k = this.keys.idOf(key)
    const h = this.keys.hashOf(k)
    const table = this.groupOfPane(start, end).tables[this.#groupOf(h)]!
    const at = table.upsert(k, h)
    writeRestored(this.#options.accumulator, table.f64, at + firstValueWord(table.keyKind), words)
  }

  advanceWatermark(watermark: number): boolean {
    if (this.plain !== undefined) return this.plain.advanceWatermark(watermark)
    this.emitter?.advance(watermark)
    try {
      return this.#fireDue(watermark)
    } catch (thrown) {
      if (!(thrown instanceof ShapeChanged)) throw thrown
      this.#becomePlain()
      return this.plain!.advanceWatermark(watermark)
    }
  }

  #fireDue(watermark: number): boolean {
    const lastEnd = this.panes.lastEndDueAt(watermark)
    for (;;) {
      if (this.#firing === undefined) {
        const end = this.panes.nextEnd(lastEnd)
        if (end === undefined) break
        this.#begin(end)
      }
      if (!this.fireLoop!(this)) return false
      if (this.#firing!.scratch !== undefined) this.panes.recycle(this.#firing!.scratch)
      this.#firing = undefined
      this.panes.firedTo = this.windowEnd
    }
    this.#watermark = Math.max(this.#watermark, watermark)
    this.panes.firedTo = Math.max(this.panes.firedTo, lastEnd)
    this.openFrom = this.panes.firedTo
    this.panes.dropBelow(watermark)
    return true
  }

  #begin(end: number): void {
    const panes = this.panes.panesOf(end)
    this.windowEnd = end
    this.windowStart = end - this.#options.sizeMs
    this.table = 0
    this.slot = 0
    const scratch = panes.length === 1 ? undefined : this.#mergePanes(panes.map((pane) => pane.group!))
    this.#firing = { scratch }
    this.tables = (scratch ?? panes[0]!.group!).tables
  }

  #mergePanes(groups: readonly TableGroup[]): TableGroup {
    const scratch = this.panes.newGroup()
    const merge = this.#merge!
    for (const group of groups) {
      group.tables.forEach((table, g) => {
        if (table.size === 0) return
        const into = scratch.tables[g]!
        const word = firstValueWord(table.keyKind)
        const { stride } = table
        table.forEach((at) => {
          const key = table.keyAt(at)
          const hash = this.keys.hashOf(key)
          const found = into.find(key, hash)
          if (found >= 0) merge(into.f64, found + word, table.f64, at + word)
          else {
            const to = into.insert(key, hash)
            for (let w = word; w < stride; w++) into.f64[to + w] = table.f64[at + w]!
          }
        })
      })
    }
    return scratch
  }
}
