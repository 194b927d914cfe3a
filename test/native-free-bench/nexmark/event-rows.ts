/** Columns of the generator as rows, and all events of one generator in their order of emission. */
import { columnNames, type EventKind } from '../../../native-free-bench/nexmark/event-columns.ts'
import { EventStream, type StreamOptions } from '../../../native-free-bench/nexmark/event-stream.ts'
import type { SourceColumns } from '../../../src/program/function/source.ts'

export type Row = Record<string, unknown>

export const rowsOf = (unit: SourceColumns): Row[] =>
  Array.from({ length: unit.rowCount }, (_, row) =>
    Object.fromEntries(
      unit.columns.map((c) => [c.name, c.dictionary === undefined ? c.values[row] : c.dictionary[c.values[row] as number]]),
    ),
  )

export function readAll(stream: EventStream, kind: EventKind, columns: readonly string[], maxEvents: number): Row[] {
  const rows: Row[] = []
  while (!stream.done) rows.push(...rowsOf(stream.read(kind, columns, maxEvents)))
  return rows
}

/** The kind of each event follows from its id; each kind is read by a stream of its own, as queries do. */
export function* allEvents(options: StreamOptions, generator: number, maxEvents = 777): Generator<{ kind: EventKind; row: Row }> {
  const read = (kind: EventKind) => readAll(new EventStream(options, generator), kind, columnNames(kind), maxEvents).values()
  const queues = { person: read('person'), auction: read('auction'), bid: read('bid') }
  const share = Math.floor(options.events / options.generators)
  const count = generator === options.generators - 1 ? options.events - share * (options.generators - 1) : share
  for (let k = 0; k < count; k++) {
    const slot = (2 + generator * share + k) % 50
    const kind = slot === 0 ? 'person' : slot < 4 ? 'auction' : 'bid'
    yield { kind, row: queues[kind].next().value! }
  }
}
