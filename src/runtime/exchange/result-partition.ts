/**
 * The outgoing side of one edge of one subtask: rows gather in a staging batch, which is spread over the consumers' channels
 * as a whole, column by column. A channel without credit stops that at its cursor; until it is through (`isFull`), emitted
 * rows overdraw into a list, which drains into staging afterwards, in order.
 */
import type { Schema } from '../../base/columnar/data-type.ts'
import { StringDictionary } from '../../base/columnar/dictionary.ts'
import { StagingBatch, type StagingColumn, stagingCapacity } from '../../base/columnar/staging-batch.ts'
import type { ColumnSource } from '../../base/columnar/write-column.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { OutgoingBatch } from './batch-frame.ts'
import type { ChannelWriter } from './channel-writer.ts'
import { type ChannelEvent, maxDictionaryColumns } from './frame.ts'
import { Overdraft } from './overdraft.ts'
import { pick, type RowRouter } from './row-router.ts'

type Phase = { readonly at: 'staging' } | { readonly at: 'scattering'; readonly batch: OutgoingBatch; target: number; row: number }

const staging: Phase = { at: 'staging' }

export interface ResultPartitionOptions {
  readonly schema: Schema | null
  readonly channels: readonly ChannelWriter[]
  readonly router: RowRouter
  /** How much one user call may emit beyond the channels' room before the job fails. */
  readonly maxOverdraftBytes: number
  /** Names the producing operator in messages. */
  readonly operator: string
  /** Fields that the consumer can see; undefined: all. */
  readonly projection?: readonly string[]
}

export class ResultPartition {
  readonly staging: StagingBatch
  readonly channels: readonly ChannelWriter[]
  readonly router: RowRouter
  /** Grows when the staging schema changes: generated code for an older one is stale. */
  version = 0
  rowsOut = 0
  /** Rows cannot go into staging now, though it may not be full: a scatter is under way, or rows wait to be staged. */
  isStopped = false
  /** What is to be thrown where a row fails that had to wait: the chain knows of which record it came. */
  failureOfWaiting = (thrown: unknown): unknown => thrown
  readonly #options: ResultPartitionOptions
  readonly #order = new Int32Array(stagingCapacity)
  readonly #starts: Int32Array
  readonly #dictionaries = new Map<string, StringDictionary>()
  readonly #ids = new Map<string, Int32Array>()
  readonly #overdraft: Overdraft
  #phase: Phase = staging

  constructor(options: ResultPartitionOptions) {
    this.#options = options
    this.staging = new StagingBatch(options.schema)
    this.channels = options.channels
    this.router = options.router
    this.#overdraft = new Overdraft(options.maxOverdraftBytes, options.operator)
    this.#starts = new Int32Array(options.channels.length + 1)
  }

  /** The schema that was inferred from the rows so far; null: none was, or it is declared. */
  get learnedSchema(): Schema | null {
    return this.staging.schema?.declared === true ? null : this.staging.schema
  }

  /** Rows are cut to the fields that the consumer can see. */
  get isProjected(): boolean {
    return this.#options.projection !== undefined
  }

  /** True while staged rows wait for the scatter: the loop must stop between rows. */
  get isFull(): boolean {
    return this.staging.rowCount === stagingCapacity || this.isStopped
  }

  /** True when a row may be written straight into staging (generated code's fast path). */
  get isOpen(): boolean {
    return this.staging.rowCount < stagingCapacity && !this.isStopped
  }

  /** The codes of a source dictionary's strings for string column `c` of the staging batch, which gets a place for them. */
  codesFor(c: number, source: readonly string[]): Int32Array {
    const column = this.staging.columns[c]!
    column.codes ??= new Int32Array(stagingCapacity)
    return this.#dictionaryOf(column.field.name).codesFor(source)
  }

  learnCode(c: number, codes: Int32Array, index: number, text: string): number {
    return this.#dictionaryOf(this.staging.columns[c]!.field.name).learn(codes, index, text)
  }

  /** Takes any row, at any time. */
  emit(anyRow: unknown, timestamp: number): void {
    const row = this.#project(anyRow)
    if (this.isOpen && this.staging.append(row, timestamp)) {
      this.#note(row)
      return
    }
    this.#overdraft.push(row, timestamp)
    this.isStopped = true
  }

  #note(row: unknown): void {
    const { router } = this
    if (router.note === undefined) return
    try {
      router.note(row, this.staging.rowCount - 1)
    } catch (thrown) {
      throw this.#failure(thrown)
    }
  }

  /** What went wrong on the way to the channels, with the operator whose rows these are. */
  #failure(thrown: unknown): StreamError {
    const { operator } = this.#options
    if (!(thrown instanceof StreamError)) {
      const said = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : `it threw ${String(thrown)}`
      return new StreamError(
        'USER_FUNCTION_FAILED',
        `The key or partition function for the output of operator '${operator}' failed: ${said}`,
        { cause: thrown, place: { operator } },
      )
    }
    if (thrown.place.operator !== undefined) return thrown
    const { code, message, hint, domain, retry, cause, place } = thrown
    return new StreamError(code, `Operator '${operator}': ${message}`, {
      hint,
      domain,
      retry,
      cause: cause ?? thrown,
      place: { ...place, operator },
    })
  }

  #project(row: unknown): unknown {
    const { projection } = this.#options
    if (projection === undefined || row === null || typeof row !== 'object') return row
    return pick(row as Record<string, unknown>, projection)
  }

  /** Moves all staged and overdrawn rows towards the channels; true when all of them are in segments. */
  scatter(): boolean {
    while (this.makeRoom()) {
      if (this.staging.rowCount === 0) return true
      this.#phase = this.#prepare()
    }
    return false
  }

  /** Moves rows towards the channels until staging can take more; false: some channel has no credit. */
  makeRoom(): boolean {
    for (;;) {
      if (this.#phase.at === 'scattering') {
        if (!this.#continue(this.#phase)) break
        this.rowsOut += this.staging.rowCount
        this.staging.clear()
        this.#phase = staging
      }
      this.isStopped = false
      if (!this.#refill()) return true
      this.#phase = this.#prepare()
    }
    this.isStopped = true
    return false
  }

  /** Sends an event to every channel, behind all rows: only after scatter() answered true. */
  broadcastEvent(event: ChannelEvent): void {
    for (const channel of this.channels) channel.event(event)
  }

  /** Publishes what stands in open segments. */
  flush(): void {
    for (const channel of this.channels) {
      channel.drain()
      channel.flush()
    }
  }

  /** True when nothing of this partition waits anywhere. */
  get isDrained(): boolean {
    if (this.#phase !== staging || this.staging.rowCount > 0 || !this.#overdraft.isEmpty) return false
    return this.channels.every((channel) => channel.drain())
  }

  /** Whether some consumer has read all that was published to it. */
  get isConsumerIdle(): boolean {
    return this.channels.some((channel) => channel.isConsumerIdle)
  }

  get hasUnsent(): boolean {
    return this.staging.rowCount > 0 || !this.#overdraft.isEmpty || this.channels.some((channel) => channel.hasUnsent)
  }

  get hasWaitingEvents(): boolean {
    return this.channels.some((channel) => channel.hasWaitingEvents)
  }

  /** Puts overdrawn rows into staging, widening an empty one's schema where need be; true: what is staged has to go first. */
  #refill(): boolean {
    if (this.#overdraft.isEmpty) return this.staging.rowCount === stagingCapacity
    try {
      return this.#stageWaiting()
    } catch (thrown) {
      throw this.failureOfWaiting(thrown)
    }
  }

  #stageWaiting(): boolean {
    const draft = this.#overdraft
    while (!draft.isEmpty) {
      const { row } = draft
      if (!this.staging.append(row, draft.timestamp)) {
        if (this.staging.rowCount > 0) return true
        this.#widen(row)
        continue
      }
      this.#note(row)
      draft.shift()
    }
    return this.staging.rowCount === stagingCapacity
  }

  #widen(row: unknown): void {
    try {
      this.staging.widenFor(row)
    } catch (thrown) {
      throw this.#failure(thrown)
    }
    this.version++
  }

  #prepare(): Phase {
    const batch = this.#outgoing()
    if (this.channels.length === 1) this.#starts[1] = this.staging.rowCount
    else {
      try {
        this.router.route(this.staging, batch, this.#order, this.#starts)
      } catch (thrown) {
        throw this.#failure(thrown)
      }
    }
    return { at: 'scattering', batch, target: 0, row: 0 }
  }

  #continue(phase: Extract<Phase, { at: 'scattering' }>): boolean {
    const order = this.channels.length > 1 && this.router.ordersRows ? this.#order : null
    const everyRow = this.router.kind === 'broadcast'
    for (; phase.target < this.channels.length; phase.target++, phase.row = 0) {
      const start = everyRow ? 0 : this.#starts[phase.target]!
      const count = (everyRow ? this.staging.rowCount : this.#starts[phase.target + 1]! - start) - phase.row
      if (count <= 0) continue
      phase.row += this.#write(phase, order, start + phase.row, count)
      if (phase.row < (everyRow ? this.staging.rowCount : this.#starts[phase.target + 1]! - start)) return false
    }
    return true
  }

  #write({ batch, target }: Extract<Phase, { at: 'scattering' }>, order: Int32Array | null, from: number, count: number): number {
    try {
      return this.channels[target]!.write(batch, order, from, count)
    } catch (thrown) {
      throw this.#failure(thrown)
    }
  }

  #outgoing(): OutgoingBatch {
    const { schema, columns, rowCount, timestamps } = this.staging
    const dictionaries: (StringDictionary | undefined)[] = []
    const outgoing: ColumnSource[] = columns.map((column, c) => {
      const ids = column.field.type.kind === 'utf8' && c < maxDictionaryColumns ? this.#code(column, rowCount) : undefined
      dictionaries.push(ids === undefined ? undefined : this.#dictionaries.get(column.field.name))
      if (ids !== undefined)
        return { type: { kind: 'int32' }, nullable: column.field.nullable, values: ids, nulls: column.nullCount > 0 ? column.nulls : null }
      return {
        name: column.field.name,
        type: column.field.type,
        nullable: column.field.nullable,
        values: column.values,
        nulls: column.nullCount > 0 ? column.nulls : null,
      }
    })
    return { schema: schema!, columns: outgoing, dictionaries, timestamps: hasTimestamp(timestamps, rowCount) ? timestamps : undefined }
  }

  /** Dictionary ids of a string column, or undefined when the dictionary does not pay. */
  #code({ field, values, nulls, codes }: StagingColumn, rowCount: number): Int32Array | undefined {
    const dictionary = this.#dictionaryOf(field.name)
    const ids = this.#ids.get(field.name)!
    return dictionary.encode(values as string[], nulls, rowCount, ids, codes) ? ids : undefined
  }

  #dictionaryOf(name: string): StringDictionary {
    let dictionary = this.#dictionaries.get(name)
    if (dictionary === undefined) {
      dictionary = new StringDictionary()
      this.#dictionaries.set(name, dictionary)
      this.#ids.set(name, new Int32Array(stagingCapacity))
    }
    return dictionary
  }
}

function hasTimestamp(timestamps: Float64Array, rowCount: number): boolean {
  for (let i = 0; i < rowCount; i++) if (timestamps[i] === timestamps[i]) return true
  return false
}
