import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Field } from '../../../src/base/columnar/data-type.ts'
import { makeSchema } from '../../../src/base/columnar/schema.ts'
import { StreamError } from '../../../src/base/core/stream-error.ts'
import type { ChannelEvent } from '../../../src/runtime/exchange/frame.ts'
import { anyRow, fields, recordOf, rowAsRead, withoutNulls } from '../../base/columnar/arbitrary.ts'
import { Channel, deliver, partitionOver } from './channels.ts'

const numbered = (count: number, more: (i: number) => object = () => ({})) => Array.from({ length: count }, (_, i) => ({ i, ...more(i) }))

/** Emits everything, the consumer taking `takes` batches whenever there is no credit, and answers what came. */
function send(
  rows: readonly unknown[],
  channel: Channel,
  takes = Number.POSITIVE_INFINITY,
  schema: Parameters<typeof partitionOver>[1] = {},
) {
  const partition = partitionOver([channel], schema)
  rows.forEach((row, i) => {
    partition.emit(row, i % 3 === 0 ? i : Number.NaN)
    if (partition.isFull && !partition.makeRoom()) for (let k = 0; k < takes && channel.take(); k++);
  })
  deliver(partition, [channel], takes)
  return channel
}

describe('rows through a ring', () => {
  test('rows of every declared type come out as they went in, whatever the size of a segment', () => {
    fc.assert(
      fc.property(
        fields.chain((of) => fc.tuple(fc.constant(of), fc.array(recordOf(of), { minLength: 1, maxLength: 60 }))),
        fc.constantFrom(64, 128, 192, 512, 4096),
        fc.constantFrom(1, 2, 4),
        fc.constantFrom(1, 2, 100),
        (([of, rows]: [Field[], Record<string, unknown>[]], segmentSizeBytes: number, segments: number, takes: number) => {
          const channel = new Channel({ segmentSizeBytes, segments })
          send(rows, channel, takes, { schema: makeSchema('row', of, true) })
          expect(channel.rows).toEqual(rows.map((row) => rowAsRead(of, row)))
        }) as any,
      ),
      { numRuns: 200 },
    )
  })

  test('rows of no declared type come out as they went in, while their schema widens under way', () => {
    fc.assert(
      fc.property(
        fc.array(anyRow, { minLength: 1, maxLength: 30 }),
        fc.constantFrom(64, 256, 2048),
        fc.constantFrom(1, 2),
        (rows, segmentSizeBytes, takes) => {
          const channel = send(rows, new Channel({ segmentSizeBytes, segments: 2 }), takes)
          expect(channel.rows.map(withoutNulls)).toEqual(rows.map(withoutNulls))
        },
      ),
      { numRuns: 200 },
    )
  })

  test('timestamps travel with their rows, and rows without one have none', () => {
    const channel = send(numbered(100), new Channel({ segmentSizeBytes: 256 }), 1)
    expect(channel.taken).toEqual(numbered(100).map((row) => ({ row, timestamp: row.i % 3 === 0 ? row.i : null })))
  })

  test('values that are no objects pass as they are', () => {
    const values = [1, 'two', null, [3], 4n, new Date(5)]
    expect(send(values, new Channel()).rows).toEqual(values)
  })

  test.each([32, 33, 64, 200])('a row of %i columns keeps each value in its column, dictionary-coded ones among them', (columns) => {
    const rows = Array.from({ length: 300 }, (_, i) =>
      Object.fromEntries(Array.from({ length: columns }, (_, c) => [`f${c}`, c % 2 === 0 ? `text ${c} ${i % 5}` : c * 1000 + i])),
    )
    expect(send(rows, new Channel({ segmentSizeBytes: 64 * 1024 })).rows).toEqual(rows)
  })

  test('a row without any column is counted', () => {
    const channel = send([{}, {}, {}], new Channel())
    expect(channel.rows).toEqual([{}, {}, {}])
  })

  test('more fields than a schema has columns share one, and come out where they were', () => {
    const rows = numbered(20, (i) => Object.fromEntries(Array.from({ length: 300 }, (_, c) => [`f${c}`, i * c])))
    expect(send(rows, new Channel({ segmentSizeBytes: 4096 }), 1).rows).toEqual(rows)
  })
})

describe('credit', () => {
  test('a writer without credit takes no more rows, and every row comes once and in order as credit returns', () => {
    const channel = new Channel({ segmentSizeBytes: 256, segments: 2 })
    const partition = partitionOver([channel])
    const rows = numbered(500, (i) => ({ name: `n${i % 7}`, text: 'x'.repeat(i % 90) }))
    let stuck = 0
    for (const row of rows) {
      partition.emit(row, Number.NaN)
      while (!partition.scatter()) {
        stuck++
        expect(channel.ring.published - channel.ring.released).toBe(2)
        channel.take()
      }
    }
    deliver(partition, [channel], 1)
    expect(stuck).toBeGreaterThan(50)
    expect(channel.rows).toEqual(rows)
  })

  test('credit may run out at every single frame: schema, entries, rows, parts and events', () => {
    const run = (refuseAt: number) => {
      const channel = new Channel({ segmentSizeBytes: 128, segments: 1, maxRecordBytes: 1 << 16 })
      const partition = partitionOver([channel])
      const rows = [{ a: 'one' }, { a: 'two', b: 1 }, { a: 'x'.repeat(700), b: 2 }, { a: 'one', b: 'text' }, { a: 'y'.repeat(1500) }]
      let turns = 0
      for (const [i, row] of rows.entries()) {
        partition.emit(row, i)
        while (!partition.scatter()) if (turns++ !== refuseAt) channel.take()
        partition.broadcastEvent({ kind: 'watermark', timestamp: i })
        partition.flush()
      }
      deliver(partition, [channel], 1)
      expect(channel.rows.map(withoutNulls)).toEqual(rows.map(withoutNulls))
      const last = channel.taken.at(-1)
      expect(last).toEqual({ kind: 'watermark', timestamp: 4 })
      return turns
    }
    const turns = run(-1)
    expect(turns).toBeGreaterThan(5)
    for (let refuseAt = 0; refuseAt < turns; refuseAt++) run(refuseAt)
  })

  test('serial numbers wrap past 2^31 and 2^32 without a trace', () => {
    for (const firstSerial of [2 ** 31 - 3, -3]) {
      const channel = new Channel({ segmentSizeBytes: 128, segments: 4, firstSerial })
      const rows = numbered(200)
      send(rows, channel, 2)
      expect(channel.rows).toEqual(rows)
      expect(channel.ring.published).toBe(channel.ring.released)
      expect(channel.writer.isConsumerIdle).toBe(true)
      expect(Math.sign(channel.ring.published)).toBe(firstSerial < 0 ? 1 : -1)
    }
  })

  test('a consumer that is stuck holds no more than the ring, however much event time passes', () => {
    const channel = new Channel({ segmentSizeBytes: 128, segments: 2 })
    for (let i = 0; i < 10_000; i++) {
      channel.writer.event({ kind: 'watermark', timestamp: i })
      if (i % 3 === 0) channel.writer.event({ kind: 'idle' })
      if (i % 3 === 0) channel.writer.event({ kind: 'active' })
      channel.writer.flush()
    }
    let told = 0
    for (;;) {
      if (channel.take()) told++
      else if (channel.writer.hasUnsent) {
        channel.writer.drain()
        channel.writer.flush()
      } else break
    }
    expect(told).toBeLessThan(12)
    expect(channel.taken.at(-1)).toEqual({ kind: 'watermark', timestamp: 9999 })
  })
})

describe('dictionaries', () => {
  test('strings that come again are sent once', () => {
    const rows = numbered(2000, (i) => ({ name: `a rather long name, number ${i % 10}` }))
    const channel = send(rows, new Channel({ segmentSizeBytes: 64 * 1024, segments: 4 }))
    expect(channel.rows).toEqual(rows)
    expect(channel.writer.bytesOut).toBeLessThan(2000 * (8 + 4 + 8) + 2000)
  })

  test('entries reach the consumer under every schema that the stream goes through', () => {
    const rows: object[] = []
    for (let round = 0; round < 12; round++) {
      for (let i = 0; i < 40; i++)
        rows.push({ name: `n${(i + round * 3) % 50}`, other: `o${i % 4}`, ...(round > 0 && { [`extra${round}`]: i }) })
    }
    for (const segmentSizeBytes of [128, 512, 8192]) {
      const channel = send(rows, new Channel({ segmentSizeBytes, segments: 2 }), 1)
      expect(channel.rows.map(withoutNulls)).toEqual(rows.map(withoutNulls))
    }
  })

  test('a column whose strings hardly ever come again is given up, and goes on as text', () => {
    const rows = numbered(40_000, (i) => ({ name: `only ${i}`, few: `few ${i % 3}` }))
    const channel = send(rows, new Channel({ segmentSizeBytes: 16 * 1024, segments: 4 }))
    expect(channel.rows).toEqual(rows)
  })

  test('an entry that no segment can hold comes in parts', () => {
    const rows = numbered(8, (i) => ({ name: `${i % 2}${'ü'.repeat(1000)}` }))
    expect(send(rows, new Channel({ segmentSizeBytes: 128, segments: 2 }), 1).rows).toEqual(rows)
  })

  test('null rows of a coded column stay null', () => {
    const rows = numbered(50, (i) => ({ name: i % 3 === 0 ? null : `n${i % 4}` }))
    expect(send(rows, new Channel({ segmentSizeBytes: 256 }), 1).rows).toEqual(rows)
  })
})

describe('records larger than a segment', () => {
  test('pass in parts, between small ones, in order', () => {
    const rows = numbered(40, (i) => ({
      text: 'ab'.repeat(i % 4 === 1 ? 3_000 * i : 3),
      bytes: new Uint8Array(i % 5 === 0 ? 9_000 : 2).fill(i),
    }))
    for (const segmentSizeBytes of [128, 1024, 4096]) {
      expect(send(rows, new Channel({ segmentSizeBytes, segments: 2 }), 1).rows).toEqual(rows)
    }
  })

  test('of 100 MB pass', () => {
    const bytes = new Uint8Array(100 * 1024 * 1024)
    for (let i = 0; i < bytes.length; i += 4096) bytes[i] = i >>> 12
    const channel = send(
      [
        { i: 1, bytes: new Uint8Array(1) },
        { i: 2, bytes },
        { i: 3, bytes: new Uint8Array(2) },
      ],
      new Channel({ segmentSizeBytes: 128 * 1024, segments: 4, maxRecordBytes: 256 * 1024 * 1024 }),
    )
    const rows = channel.rows as { i: number; bytes: Uint8Array }[]
    expect(rows.map(({ i, bytes }) => [i, bytes.length])).toEqual([
      [1, 1],
      [2, bytes.length],
      [3, 2],
    ])
    expect(Buffer.compare(rows[1]!.bytes, bytes)).toBe(0)
  })

  test('beyond the limit are refused with the operator and the option to raise', () => {
    const channel = new Channel({ segmentSizeBytes: 1024, maxRecordBytes: 10_000 })
    expect(send([{ text: 'x'.repeat(9_000) }], channel).rows).toHaveLength(1)
    const refused = () => send([{ text: 'x'.repeat(11_000) }], new Channel({ segmentSizeBytes: 1024, maxRecordBytes: 10_000 }))
    expect(refused).toThrow(StreamError)
    try {
      refused()
    } catch (thrown) {
      const error = thrown as StreamError
      expect(error.code).toBe('RECORD_TOO_LARGE')
      expect(error.message).toContain("Operator 'source'")
      expect(error.place).toEqual({ operator: 'source', option: 'execution.max-record-size' })
      expect(error.hint).toContain('execution.max-record-size')
    }
  })

  test('a schema that no segment can hold comes in parts', () => {
    const rows = numbered(3, (i) =>
      Object.fromEntries(Array.from({ length: 100 }, (_, c) => [`a field with quite a long name, ${c}`, i + c])),
    )
    expect(send(rows, new Channel({ segmentSizeBytes: 128 }), 1).rows).toEqual(rows)
  })
})

describe('events', () => {
  const inOrder = (events: readonly ChannelEvent[], segmentSizeBytes: number) => {
    const channel = new Channel({ segmentSizeBytes, segments: 2 })
    for (const event of events) {
      channel.writer.event(event)
      channel.writer.flush()
      channel.takeAll()
    }
    return channel.taken
  }

  test('come one by one where the consumer keeps up', () => {
    const events: ChannelEvent[] = [
      { kind: 'watermark', timestamp: -(2 ** 63) },
      { kind: 'watermark', timestamp: 1.5 },
      { kind: 'idle' },
      { kind: 'active' },
      { kind: 'barrier', checkpointId: 2 ** 40 },
      { kind: 'watermark', timestamp: 2 ** 63 },
      { kind: 'endOfData' },
    ]
    expect(inOrder(events, 64)).toEqual(events)
    expect(inOrder(events, 1024)).toEqual(events)
  })

  test('stay in their place among the rows', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.integer({ min: 0, max: 300 }), fc.constant('watermark'), fc.constant('barrier'), fc.constant('take')), {
          maxLength: 60,
        }),
        fc.constantFrom(64, 128, 512),
        (script, segmentSizeBytes) => {
          const channel = new Channel({ segmentSizeBytes, segments: 2 })
          const partition = partitionOver([channel])
          const sent: unknown[] = []
          script.forEach((step, n) => {
            if (step === 'take') channel.take()
            else if (typeof step === 'number') {
              while (!partition.scatter()) channel.take()
              partition.emit({ n, text: 'x'.repeat(step) }, n)
              sent.push(n)
            } else {
              while (!partition.scatter()) channel.take()
              partition.broadcastEvent(step === 'watermark' ? { kind: 'watermark', timestamp: n } : { kind: 'barrier', checkpointId: n })
              sent.push(`${step} ${n}`)
            }
          })
          deliver(partition, [channel], 1)
          const came = channel.taken.map((taken) =>
            'row' in taken
              ? (taken.row as { n: number }).n
              : taken.kind === 'watermark'
                ? `watermark ${taken.timestamp}`
                : taken.kind === 'barrier'
                  ? `barrier ${taken.checkpointId}`
                  : taken.kind,
          )
          // Of watermarks with nothing in between the last may stand for all.
          const needed = sent.filter((entry, i) => !(String(entry).startsWith('watermark') && String(sent[i + 1]).startsWith('watermark')))
          expect(came.filter((entry) => needed.includes(entry))).toEqual(needed)
          expect(came.filter((entry) => !needed.includes(entry)).every((entry) => sent.includes(entry))).toBe(true)
        },
      ),
      { numRuns: 200 },
    )
  })
})
