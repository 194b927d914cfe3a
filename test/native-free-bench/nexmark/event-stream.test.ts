import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { columnNames, type EventKind } from '../../../native-free-bench/nexmark/event-columns.ts'
import { EventStream } from '../../../native-free-bench/nexmark/event-stream.ts'
import { allEvents, readAll, rowsOf } from './event-rows.ts'
import { Random, referenceEvents } from './reference-events.ts'

const baseTime = 1_436_918_400_000
const kinds: readonly EventKind[] = ['person', 'auction', 'bid']

function digest(events: number, rate = 10_000): string {
  const hash = createHash('sha256')
  for (const { kind, row } of allEvents({ events, rate, baseTime, generators: 1 }, 0))
    hash.update(`${JSON.stringify({ event_type: kinds.indexOf(kind), [kind]: row })}\n`)
  return hash.digest('hex')
}

describe('the events equal those of the specification', () => {
  test.each([
    [1_000, '09de3cdd2b9d3909ea6c24e9f1465c60c4708211dcfef5722fc0fd4433740c1f'],
    [10_000, 'dc717cbda5c7052f8da850e23052eca1c9b268e9f297cbf736c66a6b4c8b3061'],
    [100_000, 'd0df509d4c85edd2e5ad5a1761230683ba1ba146076b0ad1531dfd4c6841c9fd'],
  ])('as canonical JSON lines: %i events', (events, sha256) => {
    expect(digest(events)).toBe(sha256)
  })

  test('a million of them', { timeout: 60_000 }, () => {
    expect(digest(1_000_000)).toBe('1ed169344b88691dc5861605ec2329b0d21422d6caa47b43836443c46478415c')
  })

  test('at one event a second, where two days and all hours occur', () => {
    expect(digest(100_000, 1)).toBe('70c8f5b66e38e1b582aa6745584599a5f630d31758fca3f444a3e3fe61ce6e34')
  })
})

describe('the events equal a literal BigInt reading of the specification', () => {
  test.each([
    { events: 20_001, rate: 10_000, generators: 2 },
    { events: 20_001, rate: 10_000, generators: 3 },
    { events: 12_000, rate: 333, generators: 1 },
    { events: 12_001, rate: 10_000_000, generators: 2 },
    { events: 5, rate: 7, generators: 4 },
  ])('$events events at rate $rate of $generators generators', (given) => {
    const options = { ...given, baseTime }
    for (let g = 0; g < given.generators; g++) {
      expect([...allEvents(options, g)]).toEqual([...referenceEvents(options, g)])
    }
  })
})

test('the state word after some events is that of a generator that kept it', () => {
  const random = new Random(44)
  const stream = new EventStream({ events: 10_000, rate: 10_000, baseTime, generators: 1 }, 0)
  expect(stream.state).toBe(44n)
  stream.read('bid', ['price'], 5_000)
  for (let i = 0; i < stream.position.draws; i++) random.nextLong()
  expect(stream.state).toBe(random.s)
})

test.each(kinds)('%s: a stream that goes on from a position gives what an unbroken one gives', (kind) => {
  const options = { events: 9_000, rate: 10_000, baseTime, generators: 2 }
  const columns = columnNames(kind)
  const whole = readAll(new EventStream(options, 1), kind, columns, 4_000)
  for (const cut of [1, 49, 1_000, 2_049]) {
    const before = new EventStream(options, 1)
    const rows = rowsOf(before.read(kind, columns, cut))
    rows.push(...readAll(new EventStream(options, 1, structuredClone(before.position)), kind, columns, 333))
    expect(rows).toEqual(whole)
  }
})

test.each(kinds)('%s: each column alone equals the same column read with all others', (kind) => {
  const options = { events: 3_000, rate: 10_000, baseTime, generators: 1 }
  const all = readAll(new EventStream(options, 0), kind, columnNames(kind), 700)
  for (const column of columnNames(kind)) {
    const alone = readAll(new EventStream(options, 0), kind, [column], 700)
    expect(alone).toEqual(all.map((row) => ({ [column]: row[column] })))
  }
})

test('whoever skips a kind of event consumes the same draws as who reads it', () => {
  const options = { events: 200_000, rate: 10_000, baseTime, generators: 1 }
  const ends = kinds.map((kind) => {
    const stream = new EventStream(options, 0)
    while (!stream.done) stream.read(kind, [columnNames(kind)[0]!], 10_000)
    return stream.position
  })
  expect(ends[0]).toEqual(ends[1])
  expect(ends[1]).toEqual(ends[2])
})
