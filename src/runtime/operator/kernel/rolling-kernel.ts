/**
 * Rolling sum, min, max, minBy, maxBy and reduce over typed tables: one running row for each key, its number fields in the
 * table. Rows that have no layout, and answers of reduce that do not fit it, turn the kernel into the plain operator for
 * good: it takes over what the tables hold, and the loop calls it from then on. It also takes in what is restored, until the
 * first batch says how rows lie in a table.
 */

import type { ColumnBatch } from '../../../base/columnar/column-batch.ts'
import { keyGroupOf } from '../../../base/columnar/key-hash.ts'
import type { ReduceFunction } from '../../../program/function/functions.ts'
import type { KeySpec } from '../../../program/graph/operator-descriptor.ts'
import { ownRow } from '../../state/clone-value.ts'
import { KeySpace, type KeySpaceKind } from '../../state/key-space.ts'
import type { RestoredState, StateSnapshot } from '../../state/snapshot.ts'
import { firstValueWord } from '../../state/typed-table.ts'
import type { OperatorContext } from '../operator.ts'
import { ReduceOperator, runningState } from '../reduce-operator.ts'
import { rollingAggregate } from '../rolling-aggregate.ts'
import { returnsFields } from './function-shape.ts'
import type { EmitText, KernelKey, KernelNames, KernelRow, KernelText, KeyedKernel } from './keyed-kernel.ts'
import { plainFields } from './plain-fields.ts'
import { RollingSnapshots } from './rolling-snapshot.ts'
import { aggregateText, type RollingAggregate, reduceText } from './rolling-text.ts'
import { joinLayouts, layoutOf, type RowLayout, readRow, widenLayout, writeRow } from './row-layout.ts'
import { type GroupRange, TableGroup, upsertText } from './table-group.ts'

export interface RollingOptions {
  readonly range: GroupRange
  readonly key: KeySpec
  readonly combine:
    | { readonly kind: 'aggregate'; readonly aggregate: RollingAggregate }
    | { readonly kind: 'reduce'; readonly fn: ReduceFunction<any> }
}

export class RollingKernel implements KeyedKernel {
  readonly keys = new KeySpace()
  readonly bindings: Readonly<Record<string, unknown>>
  readonly fieldsRead = undefined
  group: TableGroup
  /** Fields that lie in no table, by the index in their entry. */
  rests: unknown[] = []
  readonly #snapshots = new RollingSnapshots()
  readonly #options: RollingOptions
  readonly #ctx: OperatorContext
  /** The plain form: it opens and closes the user's function, and in the end may do all the work. */
  readonly plain: ReduceOperator
  #isPlain = false
  /** Whether the plain form holds what was restored. */
  #isRestored = false
  #rows: RowLayout | undefined
  /** Schemas and columns that the layout is known to hold. */
  #seen: { readonly schema: string; readonly columns: string; readonly kind: KeySpaceKind } | undefined

  constructor(options: RollingOptions, ctx: OperatorContext) {
    const { combine, range } = options
    this.#options = options
    this.#ctx = ctx
    this.group = new TableGroup(this.keys, range, new Float64Array(0))
    if (combine.kind === 'aggregate') {
      const { op, field, first } = combine.aggregate
      this.plain = new ReduceOperator(ctx, rollingAggregate(op, field, first), op)
      this.bindings = {}
    } else {
      const { fn } = combine
      this.plain = new ReduceOperator(ctx, fn)
      this.bindings = { reduceRows: typeof fn === 'function' ? fn : (a: any, b: any) => fn.reduce(a, b), plainFields }
    }
  }

  get isSaving(): boolean {
    return this.#snapshots.isOpen
  }

  snapshotState(): readonly StateSnapshot[] {
    const layout = this.#rows
    if (this.#isPlain || layout === undefined) return this.plain.snapshotState()
    const { keys, rests } = this
    return [this.#snapshots.begin(runningState, { tables: this.group.tables, firstGroup: this.#options.range.first, keys, layout, rests })]
  }

  async restoreState(restored: RestoredState): Promise<void> {
    await this.plain.restoreState(restored)
    this.#isRestored = true
    for (const { key } of this.plain.entries()) {
      this.keys.widenTo(typeof key !== 'number' ? 'interned' : (key | 0) === key ? 'int32' : 'float64')
    }
  }

  get layout(): string {
    return this.#isPlain ? 'plain' : (this.#rows?.id ?? '')
  }

  open(): void | Promise<void> {
    return this.plain.open()
  }

  close(): void | Promise<void> {
    return this.plain.close()
  }

  requireKeyKind(kind: KeySpaceKind): void {
    if (this.#isPlain || !this.keys.isBelow(kind)) return
    const old = this.keys.kind
    const keyOf = old === 'interned' ? (key: number) => this.keys.keyOf(key) : (key: number) => key
    this.keys.widenTo(kind)
    this.group.convert(this.keys, keyOf)
  }

  requireRows(batch: ColumnBatch): void {
    if (this.#isPlain) return
    const columns = columnsOf(batch)
    const { kind } = this.keys
    if (this.#seen !== undefined && this.#seen.schema === batch.schema.id && this.#seen.columns === columns && this.#seen.kind === kind)
      return
    const { combine, key } = this.#options
    const computed = combine.kind === 'aggregate' && !combine.aggregate.op.endsWith('By') ? combine.aggregate.field : undefined
    const found = layoutOf(batch, key, kind, computed)
    const joined = found === undefined || this.#rows === undefined ? found : joinLayouts(this.#rows, found)
    const wider = this.#isRestored ? this.#withRestored(joined) : joined
    if (wider === undefined || !this.#combines(wider)) {
      this.#becomePlain()
      return
    }
    if (wider.id !== this.#rows?.id) this.#convert(wider)
    if (this.#isRestored) this.#takeRestored(wider)
    this.#seen = { schema: batch.schema.id, columns, kind }
  }

  #withRestored(layout: RowLayout | undefined): RowLayout | undefined {
    let wider = layout
    for (const { key, running } of this.plain.entries()) wider &&= widenLayout(wider, running, key)
    return wider
  }

  /** What was restored goes into the tables. */
  #takeRestored(layout: RowLayout): void {
    this.#isRestored = false
    const { first, maxParallelism } = this.#options.range
    const word = firstValueWord(this.keys.tableKeyKind)
    for (const { key, running } of this.plain.entries()) {
      const id = this.keys.idOf(key)
      const hash = this.keys.hashOf(id)
      const table = this.group.tables[keyGroupOf(hash, maxParallelism) - first]!
      const entry = table.insert(id, hash)
      writeRow(layout, table.f64, entry + word, running, this.rests)
    }
    this.plain.forget()
  }

  /** Whether the aggregate's field is one that the text can compute with. */
  #combines({ fields, root }: RowLayout): boolean {
    const { combine } = this.#options
    if (combine.kind === 'reduce') return true
    const field = fields.find(({ name }) => name === combine.aggregate.field)
    if (root === 'value') return false
    return field === undefined || field.kind === 'number' || (field.kind === 'boolean' && combine.aggregate.op !== 'sum')
  }

  addText(names: KernelNames, row: KernelRow, key: KernelKey, emit: EmitText): KernelText {
    const { kernel: K, id, saving } = names
    const layout = this.#rows
    if (this.#isPlain || layout === undefined)
      return { before: '', row: `${K}.plain.processElement(${row.row}, ${row.timestamp}, ${key.value})`, after: '' }
    const { combine, range } = this.#options
    const keyKind = this.keys.tableKeyKind
    const stride = firstValueWord(keyKind) + layout.words
    const isProven =
      combine.kind === 'reduce' &&
      returnsFields(
        typeof combine.fn === 'function' ? combine.fn : combine.fn.reduce,
        layout.fields.map(({ name }) => name),
      )
    const running = { layout, names, row, key, emit, returnsFields: isProven }
    return {
      before: `const tb${id} = ${K}.group.tables, keys${id} = ${K}.keys.values, rests${id} = ${K}.rests`,
      row: `${key.declare}
let fresh${id} = false
${upsertText(keyKind, stride, key.k, key.h, `tb${id}`, range, id, saving, ` fresh${id} = true;`)}
${combine.kind === 'aggregate' ? aggregateText(running, combine.aggregate) : reduceText(running)}`,
      after: '',
    }
  }

  /** Keeps fields that lie in no table, in the place of others or in a new one; answers the place. */
  keepRest(index: number, rest: unknown): number {
    const kept = ownRow(rest)
    if (index < 0) return this.rests.push(kept) - 1
    if (this.isSaving) this.#snapshots.saveRest(this.rests, index)
    this.rests[index] = kept
    return index
  }

  /** The first row of a key, rarely enough for a call. */
  emitFirst(row: unknown, timestamp: number): void {
    this.#ctx.output.emit(row, timestamp)
  }

  /** Reduce returned something that the table cannot hold. */
  misfit(key: unknown, next: unknown, timestamp: number): void {
    this.#becomePlain()
    this.plain.replace(key, next, timestamp)
  }

  processElement(row: unknown, timestamp: number, key: unknown): void {
    this.#becomePlain()
    this.plain.processElement(row, timestamp, key)
  }

  advanceWatermark(): boolean {
    return true
  }

  #convert(layout: RowLayout): void {
    const old = this.group
    this.group = new TableGroup(this.keys, this.#options.range, new Float64Array(layout.words))
    // A snapshot may still read them where they are.
    const rests = this.rests
    this.rests = []
    const word = firstValueWord(this.keys.tableKeyKind)
    old.tables.forEach((table, g) => {
      const into = this.group.tables[g]!
      table.forEach((at) => {
        const key = table.keyAt(at)
        const row = readRow(this.#rows!, table.f64, at + word, this.keys.keyOf(key), (index) => rests[index])
        const entry = into.insert(key, this.keys.hashOf(key))
        writeRow(layout, into.f64, entry + word, row, this.rests)
      })
    })
    this.#rows = layout
  }

  #becomePlain(): void {
    if (this.#isPlain) return
    this.#isPlain = true
    const word = firstValueWord(this.keys.tableKeyKind)
    for (const table of this.group.tables) {
      table.forEach((at) => {
        const key = this.keys.keyOf(table.keyAt(at))
        this.plain.adopt(
          key,
          readRow(this.#rows!, table.f64, at + word, key, (index) => this.rests[index]),
        )
      })
    }
    this.group = new TableGroup(this.keys, { ...this.#options.range, count: 0 }, new Float64Array(0))
    this.rests = []
  }
}

function columnsOf({ columns }: ColumnBatch): string {
  let text = ''
  for (const { layout, validity, dictionary } of columns)
    text += `${layout}${validity === null ? '' : '?'}${dictionary === undefined ? '' : 'd'},`
  return text
}
