/**
 * Decides which consumer subtask each row of a staged batch goes to, a whole batch in one pass: `order` receives the row
 * indices grouped by target, `starts[t]` where target t begins. Routers that cut the batch into slices leave `order` alone.
 */
import { hashFloat64, hashInt32, hashKey, hashString, keyGroupOf, objectSeed, subtaskOfKeyGroup } from '../../base/columnar/key-hash.ts'
import { setField } from '../../base/columnar/read-column.ts'
import { restIndex } from '../../base/columnar/schema.ts'
import { type StagingBatch, stagingCapacity } from '../../base/columnar/staging-batch.ts'
import { fieldOf } from '../../base/columnar/value-type.ts'
import { fmix32, mixBlock } from '../../base/core/hash.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { KeySpec } from '../../program/graph/operator-descriptor.ts'
import type { OutgoingBatch } from './batch-frame.ts'
import { IntKeyPlacer } from './int-key-placer.ts'

export interface RowRouter {
  readonly kind: 'single' | 'slices' | 'broadcast' | 'rows'
  /** Whether rows leave in the order of `order`; else contiguously. */
  readonly ordersRows: boolean
  route(staging: StagingBatch, batch: OutgoingBatch, order: Int32Array, starts: Int32Array): void
  /** Told of each row put into staging at `index`, where the target depends on the row object itself. */
  note?(row: unknown, index: number): void
  /** By what rows are keyed, and where the hash of each row's key stands; one of a single field is found by the scatter itself. */
  readonly key?: KeySpec
  readonly hashes?: Int32Array
}

export const singleRouter: RowRouter = { kind: 'single', ordersRows: false, route() {} }

export const broadcastRouter: RowRouter = { kind: 'broadcast', ordersRows: false, route() {} }

/** Everything to subtask 0. */
export const globalRouter: RowRouter = {
  kind: 'slices',
  ordersRows: false,
  route(staging, _batch, _order, starts) {
    starts.fill(staging.rowCount, 1)
    starts[0] = 0
  },
}

/** Round robin in contiguous slices: every consumer gets as many rows as the next, give or take one. */
export class SliceRouter implements RowRouter {
  readonly kind = 'slices'
  readonly ordersRows = false
  #next: number

  constructor(startAt: number) {
    this.#next = startAt
  }

  route(staging: StagingBatch, _batch: OutgoingBatch, _order: Int32Array, starts: Int32Array): void {
    const targets = starts.length - 1
    const each = Math.floor(staging.rowCount / targets)
    const extra = staging.rowCount % targets
    starts[0] = 0
    for (let t = 0; t < targets; t++) starts[t + 1] = starts[t]! + each + ((t - this.#next + targets) % targets < extra ? 1 : 0)
    this.#next = (this.#next + extra) % targets
  }
}

/** Groups rows by a target computed per row. */
export abstract class TargetRouter implements RowRouter {
  readonly kind = 'rows'
  readonly ordersRows = true
  protected readonly targets = new Int32Array(stagingCapacity)
  readonly #second = new Int32Array(stagingCapacity)

  abstract targetsOf(staging: StagingBatch, batch: OutgoingBatch): void

  route(staging: StagingBatch, batch: OutgoingBatch, order: Int32Array, starts: Int32Array): void {
    this.targetsOf(staging, batch)
    const { targets } = this
    const rows = staging.rowCount
    if (starts.length === 3) return this.#routeTwo(rows, order, starts)
    starts.fill(0)
    for (let i = 0; i < rows; i++) starts[targets[i]! + 1]!++
    for (let t = 1; t < starts.length; t++) starts[t]! += starts[t - 1]!
    // Places each row at its target's next free position; then starts[t] has moved to where t + 1 begins.
    for (let i = 0; i < rows; i++) order[starts[targets[i]!]!++] = i
    starts.copyWithin(1, 0, starts.length - 1)
    starts[0] = 0
  }

  /** Two targets without a branch on either: each row is put down for both, and stays where it belongs. */
  #routeTwo(rows: number, order: Int32Array, starts: Int32Array): void {
    const { targets } = this
    const second = this.#second
    let first = 0
    let other = 0
    for (let i = 0; i < rows; i++) {
      const target = targets[i]!
      order[first] = i
      first += 1 - target
      second[other] = i
      other += target
    }
    order.set(second.subarray(0, other), first)
    starts[0] = 0
    starts[1] = first
    starts[2] = rows
  }
}

/** Seeded, so that a run can be repeated. */
export class ShuffleRouter extends TargetRouter {
  readonly #targetCount: number
  #state: number

  constructor(targetCount: number, seed: number) {
    super()
    this.#targetCount = targetCount
    this.#state = hashInt32(seed) | 1
  }

  targetsOf(staging: StagingBatch): void {
    for (let i = 0; i < staging.rowCount; i++) {
      this.#state = (Math.imul(this.#state, 1664525) + 1013904223) | 0
      this.targets[i] = Math.floor(((this.#state >>> 0) / 4294967296) * this.#targetCount)
    }
  }
}

/** partitionCustom: the user's function decides, told each row's key. */
export class CustomRouter extends TargetRouter {
  readonly #targetOf: (row: unknown) => number

  constructor(targetOf: (row: unknown) => number) {
    super()
    this.#targetOf = targetOf
  }

  note(row: unknown, index: number): void {
    this.targets[index] = this.#targetOf(row)
  }

  targetsOf(): void {}
}

/** Key groups: hash of the key, by value, to the subtask that owns its group. */
export class HashRouter extends TargetRouter {
  readonly hashes: Int32Array = new Int32Array(stagingCapacity)
  readonly key: KeySpec
  /** Subtask of each key group. */
  readonly #owner: Int32Array
  readonly #maxParallelism: number
  readonly #mask: number
  /** Hashes of one of several key fields. */
  readonly #part: Int32Array
  /** Several key fields as they are hashed: sorted, each with the hash of its name. */
  readonly #fields: readonly (readonly [name: string, hash: number])[]
  #placer: IntKeyPlacer | undefined

  constructor(key: KeySpec, targetCount: number, maxParallelism: number) {
    super()
    this.key = key
    this.#maxParallelism = maxParallelism
    this.#mask = (maxParallelism & (maxParallelism - 1)) === 0 ? maxParallelism - 1 : -1
    this.#fields = key.kind === 'fields' ? [...key.fields].sort().map((name) => [name, hashString(name)]) : []
    this.#part = new Int32Array(key.kind === 'fields' ? stagingCapacity : 0)
    this.#owner = Int32Array.from({ length: maxParallelism }, (_, group) => subtaskOfKeyGroup(group, targetCount, maxParallelism))
  }

  note(row: unknown, index: number): void {
    if (this.key.kind === 'function') this.hashes[index] = hashKey(this.key.fn(row))
  }

  override route(staging: StagingBatch, batch: OutgoingBatch, order: Int32Array, starts: Int32Array): void {
    const keys = this.#intKeys(staging)
    if (keys === undefined) return super.route(staging, batch, order, starts)
    if (this.#placer?.isFor(keys, order, starts.length - 1) !== true) {
      const placement = { keys, order, owner: this.#owner, scratch: this.targets }
      this.#placer = new IntKeyPlacer(placement, starts.length - 1)
    }
    this.#placer!.place(staging.rowCount, starts)
  }

  /** The commonest key by far: one field of integers, all there. */
  #intKeys(staging: StagingBatch): Int32Array | undefined {
    const { key } = this
    if (key.kind !== 'field' || this.#mask < 0) return undefined
    const column = staging.columns.find(({ field }) => field.name === key.field)
    return column !== undefined && column.nullCount === 0 && column.values instanceof Int32Array ? column.values : undefined
  }

  targetsOf(staging: StagingBatch, batch: OutgoingBatch): void {
    const { hashes, targets } = this
    const rows = staging.rowCount
    const owner = this.#owner
    const mask = this.#mask
    if (this.key.kind === 'field') this.#hashField(this.key.field, staging, batch, hashes)
    else if (this.key.kind === 'fields') this.#hashFields(staging, batch)
    if (mask >= 0) for (let i = 0; i < rows; i++) targets[i] = owner[hashes[i]! & mask]!
    else for (let i = 0; i < rows; i++) targets[i] = owner[keyGroupOf(hashes[i]!, this.#maxParallelism)]!
  }

  /** What hashKey says of an object of these fields, a column at a time. */
  #hashFields(staging: StagingBatch, batch: OutgoingBatch): void {
    const { hashes } = this
    const part = this.#part
    const rows = staging.rowCount
    hashes.fill(objectSeed, 0, rows)
    for (const [name, nameHash] of this.#fields) {
      const column = staging.columns.find(({ field }) => field.name === name)
      if (column !== undefined && column.nullCount === 0) {
        this.#hashField(name, staging, batch, part)
        for (let i = 0; i < rows; i++) hashes[i] = mixBlock(mixBlock(hashes[i]!, nameHash), part[i]!)
        continue
      }
      for (let i = 0; i < rows; i++) {
        const value = valueAt(staging, name, i)
        if (value !== null && value !== undefined) hashes[i] = mixBlock(mixBlock(hashes[i]!, nameHash), hashKey(value))
      }
    }
    for (let i = 0; i < rows; i++) hashes[i] = fmix32(hashes[i]!)
  }

  #hashField(field: string, staging: StagingBatch, batch: OutgoingBatch, hashes: Int32Array): void {
    const rows = staging.rowCount
    const index = staging.columns.findIndex((column) => column.field.name === field)
    const column = staging.columns[index]
    if (column === undefined || column.nullCount > 0) {
      this.#hashRest(field, staging)
      return
    }
    const { values } = column
    const dictionary = batch.dictionaries[index]
    if (dictionary !== undefined) {
      const ids = batch.columns[index]!.values as Int32Array
      const known = dictionary.hashes
      for (let i = 0; i < rows; i++) hashes[i] = known[ids[i]!]!
    } else if (values instanceof Int32Array) {
      for (let i = 0; i < rows; i++) {
        let h = values[i]!
        h ^= h >>> 16
        h = Math.imul(h, 0x85ebca6b)
        h ^= h >>> 13
        h = Math.imul(h, 0xc2b2ae35)
        hashes[i] = h ^ (h >>> 16)
      }
    } else if (values instanceof Float64Array && column.field.type.kind !== 'date') {
      for (let i = 0; i < rows; i++) hashes[i] = hashFloat64(values[i]!)
    } else if (column.field.type.kind === 'utf8') {
      for (let i = 0; i < rows; i++) hashes[i] = hashString(values[i] as string)
    } else if (column.field.type.kind === 'date') {
      for (let i = 0; i < rows; i++) hashes[i] = hashKey(new Date(values[i] as number))
    } else if (column.field.type.kind === 'boolean') {
      for (let i = 0; i < rows; i++) hashes[i] = hashKey(values[i] === 1)
    } else for (let i = 0; i < rows; i++) hashes[i] = hashKey(values[i])
  }

  #hashRest(field: string, staging: StagingBatch): void {
    for (let i = 0; i < staging.rowCount; i++) {
      const key = valueAt(staging, field, i)
      if (key === null || key === undefined) throw nullKey(field)
      this.hashes[i] = hashKey(key)
    }
  }
}

/** A field of a staged row, which may stand in the column of what does not fit the others. */
function valueAt(staging: StagingBatch, field: string, row: number): unknown {
  const index = staging.columns.findIndex((column) => column.field.name === field)
  if (index >= 0 && staging.columns[index]!.nulls?.[row] !== 1) return columnValue(staging, index, row)
  const rest = restIndex(staging.schema!)
  const others = rest < 0 ? null : (staging.columns[rest]!.values[row] as Record<string, unknown> | null)
  return others === null ? null : fieldOf(others, field)
}

/** What the user put into a column that is not null there. */
function columnValue(staging: StagingBatch, index: number, row: number): unknown {
  const { field, values } = staging.columns[index]!
  if (field.type.kind === 'date') return new Date(values[row] as number)
  return field.type.kind === 'boolean' ? values[row] === 1 : values[row]
}

function nullKey(field: string): StreamError {
  return new StreamError('TYPE_MISMATCH', `field '${field}', the key, is null or missing in a record`, {
    hint: 'Filter such records out before keyBy, or give them a key of their own.',
  })
}

/** The key object of a key of several fields. */
export function pick(row: Record<string, unknown>, fields: readonly string[]): Record<string, unknown> {
  const key: Record<string, unknown> = {}
  for (const field of fields) setField(key, field, fieldOf(row, field))
  return key
}
