/**
 * Nexmark's events of one kind as a source of columns: one split a generator, units of at most 2,048 rows. Sources of
 * one query (persons and auctions, say) each go over the whole stream, which is the same one; what they do not read
 * they step over without making it.
 *
 *     env.fromSource(nexmarkSource({ kind: 'bid', columns: ['auction', 'price', 'dateTime'], events: 1_000_000 }))
 *
 * A subtask that reads several generators takes turns and keeps a watermark for each, since all of them span the same time.
 */
import type { DataType, Type } from '../../src/base/columnar/data-type.ts'
import type {
  PollResult,
  ReaderOutput,
  Source,
  SourceColumns,
  SourceReader,
  SplitEnumerator,
  SplitEnumeratorContext,
} from '../../src/program/function/source.ts'
import { columnNames, dataTypeOf, type EventKind, type Events } from './event-columns.ts'
import { type EventRow, type Selection, selectionDataType } from './event-selection.ts'
import { EventStream, type StreamOptions, type StreamPosition } from './event-stream.ts'

export interface NexmarkOptions extends Partial<StreamOptions> {
  readonly events: number
}

export interface NexmarkSplit {
  readonly generator: number
  readonly position: StreamPosition
}

/** Values of an event's `kind`. */
export const kinds = { person: 0, auction: 1, bid: 2 } as const

/** 2015-07-15T00:00:00Z. */
export const defaultBaseTime = 1_436_918_400_000
const defaultRate = 10_000
const unitEvents = 2_048
/** Of persons and auctions there are few: more events make a unit of theirs. */
const sparseUnitEvents = 16_384

/** The next unit of a stream. */
type ReadUnit = (stream: EventStream) => SourceColumns
type Split = NexmarkSplit
type State = readonly Split[]

export function nexmarkSource<K extends EventKind, C extends keyof Events[K] & string = keyof Events[K] & string>(
  options: NexmarkOptions & { readonly kind: K; readonly columns?: readonly C[] },
): Source<Pick<Events[K], C>, Split, State> {
  const { kind, columns = columnNames(kind) as C[] } = options
  checkColumns(kind, columns)
  if (columns.length === 0) throw new Error('nexmarkSource: columns is empty. Name at least one, or leave it out to read all.')
  const read = (stream: EventStream) => stream.read(kind, columns, kind === 'bid' ? unitEvents : sparseUnitEvents)
  return source(`nexmark ${kind}s`, options, dataTypeOf(kind, columns), read)
}

/** Events of several kinds, in one pass over the generator. */
export function nexmarkEvents<const S extends Selection>(options: NexmarkOptions, selection: S): Source<EventRow<S>, Split, State> {
  const kinds = Object.keys(selection) as EventKind[]
  for (const kind of kinds) checkColumns(kind, selection[kind]!)
  if (kinds.length === 0) throw new Error('nexmarkEvents: the selection is empty. Name a kind of event.')
  const maxEvents = kinds.includes('bid') ? unitEvents : sparseUnitEvents
  return source(`nexmark ${kinds.join('s and ')}s`, options, selectionDataType(selection), (stream) =>
    stream.readSelection(selection, maxEvents),
  )
}

function checkColumns(kind: EventKind, columns: readonly string[]): void {
  for (const column of columns) {
    if (!(columnNames(kind) as string[]).includes(column))
      throw new Error(`nexmarkSource: a ${kind} has no column '${column}'. It has ${columnNames(kind).join(', ')}.`)
  }
}

function source<T>(name: string, options: NexmarkOptions, dataType: DataType, read: ReadUnit): Source<T, Split, State> {
  const { events, rate = defaultRate, baseTime = defaultBaseTime, generators } = options
  for (const [option, value] of Object.entries({ events, rate, generators })) {
    if (value !== undefined && (!Number.isSafeInteger(value) || value < 1))
      throw new Error(`nexmarkSource: ${option} is ${value}, not a whole number from 1.`)
  }
  return {
    name,
    boundedness: 'bounded',
    type: { dataType, nullable: false } satisfies Type<unknown> as Type<T>,
    createEnumerator: (ctx, restored) => new GeneratorAssignment(ctx, generators ?? ctx.parallelism, restored),
    createReader: (ctx) => new EventReader({ events, rate, baseTime, generators: generators ?? ctx.parallelism }, read),
  }
}

/** Generator g belongs to subtask g mod parallelism; a reader gets all of its own at once, since it must take turns among them. */
class GeneratorAssignment implements SplitEnumerator<State> {
  readonly #ctx: SplitEnumeratorContext<Split>
  #pending: Split[]

  constructor(ctx: SplitEnumeratorContext<Split>, generators: number, restored: State | undefined) {
    this.#ctx = ctx
    this.#pending =
      restored === undefined
        ? Array.from({ length: generators }, (_, generator) => ({ generator, position: { emitted: 0, draws: 0 } }))
        : [...restored]
  }

  start(): void {}

  addReader(subtask: number): void {
    const isMine = (split: Split) => split.generator % this.#ctx.parallelism === subtask
    const mine = this.#pending.filter(isMine)
    this.#pending = this.#pending.filter((split) => !isMine(split))
    if (mine.length > 0) this.#ctx.assignSplits(subtask, mine)
    this.#ctx.signalNoMoreSplits(subtask)
  }

  handleSplitRequest(): void {}

  snapshotState(): State {
    return [...this.#pending]
  }

  close(): void {}
}

class EventReader<T> implements SourceReader<T, Split> {
  readonly #options: StreamOptions
  readonly #read: ReadUnit
  readonly #streams: { readonly generator: number; readonly events: EventStream }[] = []
  #turn = 0
  #noMore = false
  #arrived = Promise.withResolvers<void>()

  constructor(options: StreamOptions, read: ReadUnit) {
    this.#options = options
    this.#read = read
  }

  start(): void {}

  pollNext(output: ReaderOutput<T>): PollResult {
    if (this.#streams.length === 0) return this.#noMore ? 'end' : 'nothing'
    this.#turn %= this.#streams.length
    const { generator, events } = this.#streams[this.#turn]!
    const id = `generator-${generator}`
    const from = events.position.emitted
    const unit = this.#read(events)
    if (unit.rowCount > 0) output.forSplit(id).emit(unit, `generator ${generator}, event ${from}`)
    if (events.done) {
      output.releaseSplit(id)
      this.#streams.splice(this.#turn, 1)
    } else this.#turn++
    return 'more'
  }

  isAvailable(): Promise<void> {
    return this.#streams.length > 0 || this.#noMore ? Promise.resolve() : this.#arrived.promise
  }

  addSplits(splits: readonly Split[]): void {
    for (const { generator, position } of splits) {
      const events = new EventStream(this.#options, generator, position)
      if (!events.done) this.#streams.push({ generator, events })
    }
    this.#wake()
  }

  notifyNoMoreSplits(): void {
    this.#noMore = true
    this.#wake()
  }

  snapshotState(): readonly Split[] {
    return this.#streams.map(({ generator, events }) => ({ generator, position: events.position }))
  }

  close(): void {}

  #wake(): void {
    this.#arrived.resolve()
    this.#arrived = Promise.withResolvers<void>()
  }
}
