/**
 * The one window per key of globalWindows({ fireAtEnd: true }), over typed tables: no row is ever late for it, timestamps do
 * not matter, and it fires once, at the end of the input.
 */
import { firstValueWord } from '../../state/typed-table.ts'
import { maxWatermark, minWatermark, type OperatorContext } from '../operator.ts'
import { globalWindow } from '../window/window-assigner.ts'
import { otherAssigner } from '../window/window-restore.ts'
import type { KernelKey, KernelNames, KernelRow, KernelText } from './keyed-kernel.ts'
import type { SnapshotPane } from './pane-snapshot.ts'
import { PaneWindowKernel, type PaneWindowOptions } from './pane-window-kernel.ts'
import { type HeldWindow, plainText, ShapeChanged } from './plain-windows.ts'
import { TableGroup, upsertText } from './table-group.ts'

export type GlobalWindowOptions = Pick<PaneWindowOptions, 'range' | 'key' | 'accumulator' | 'framed' | 'emitter' | 'plain'>

/** The pane that holds all there is. */
const always = { start: Number.NEGATIVE_INFINITY, end: Number.POSITIVE_INFINITY }

export class GlobalWindowKernel extends PaneWindowKernel {
  readonly #own: GlobalWindowOptions
  readonly #group: TableGroup
  readonly #ctx: OperatorContext
  #watermark = minWatermark
  #fired = false

  constructor(options: GlobalWindowOptions, ctx: OperatorContext) {
    super({ ...options, sizeMs: 1, slideMs: 1, offsetMs: 0, allowedLatenessMs: 0, lateTag: undefined }, ctx)
    this.#own = options
    this.#ctx = ctx
    this.#group = new TableGroup(this.keys, options.range, options.accumulator.initial)
    const pane = { ...always, group: this.#group }
    this.panes.panes.set(pane.start, pane)
    this.panes.current = pane
    this.windowStart = minWatermark
    this.windowEnd = maxWatermark
  }

  override addText({ kernel: K, id, saving, stop }: KernelNames, row: KernelRow, key: KernelKey): KernelText {
    if (this.plain !== undefined) return plainText(K, row, key)
    const { accumulator, range } = this.#own
    const keyKind = this.keys.tableKeyKind
    const stride = firstValueWord(keyKind) + accumulator.initial.length
    return {
      before: `const tb${id} = ${K}.panes.current.group.tables`,
      row: `${key.declare}
${upsertText(keyKind, stride, key.k, key.h, `tb${id}`, range, id, saving)}
${accumulator.addText(`f${id}`, `e${id} + ${firstValueWord(keyKind)}`, row, id, `${K}.misfit(${row.row}, ${row.timestamp}, ${key.value}); ${stop}`, saving)}`,
      after: '',
    }
  }

  protected override *held(): Generator<HeldWindow> {
    const found: HeldWindow[] = []
    this.#group.forEachEntry((key, f64, at) =>
      found.push({ key: this.keys.keyOf(key), window: globalWindow, accumulator: this.#own.accumulator.user!.read(f64, at) }),
    )
    yield* found
  }

  override processElement(row: unknown, timestamp: number, key: unknown): void {
    if (this.plain !== undefined) {
      this.plain.processElement(row, timestamp, key)
      return
    }
    this.requireKeyKind(typeof key === 'number' ? ((key | 0) === key ? 'int32' : 'float64') : 'interned')
    const { range, accumulator } = this.#own
    const k = this.keys.idOf(key)
    const hash = this.keys.hashOf(k)
    const table = this.#group.tables[((hash >>> 0) % range.maxParallelism) - range.first]!
    const at = table.upsert(k, hash)
    table.saveBefore(at)
    try {
      accumulator.add(table.f64, at + firstValueWord(table.keyKind), row)
    } catch (thrown) {
      if (!(thrown instanceof ShapeChanged)) throw thrown
      this.misfit(row, timestamp, key)
    }
  }

  override get currentWatermark(): number {
    return this.plain === undefined ? this.#watermark : this.plain.currentWatermark
  }

  protected override livePanes(): readonly SnapshotPane[] {
    return [{ ...globalWindow, group: this.#group }]
  }

  protected override restoreTime(watermark: number): void {
    this.#watermark = watermark
    this.#fired = watermark >= maxWatermark
    this.emitter?.advance(watermark)
  }

  protected override groupOfPane(start: number, end: number): TableGroup {
    if (start === globalWindow.start && end === globalWindow.end) return this.#group
    throw otherAssigner(this.#ctx.operatorName, { start, end })
  }

  override advanceWatermark(watermark: number): boolean {
    if (this.plain !== undefined) return this.plain.advanceWatermark(watermark)
    this.emitter?.advance(watermark)
    this.#watermark = Math.max(this.#watermark, watermark)
    if (watermark < maxWatermark || this.#fired) return true
    this.tables = this.#group.tables
    if (!this.fireLoop!(this)) return false
    this.#fired = true
    this.#group.clear()
    return true
  }
}
