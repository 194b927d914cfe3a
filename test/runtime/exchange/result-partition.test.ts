import { describe, expect, test } from 'vitest'
import { schemaOf } from '../../../src/base/columnar/schema.ts'
import { stagingCapacity } from '../../../src/base/columnar/staging-batch.ts'
import { t } from '../../../src/base/columnar/t.ts'
import { StreamError } from '../../../src/base/core/stream-error.ts'
import { CustomRouter, HashRouter } from '../../../src/runtime/exchange/row-router.ts'
import { Channel, deliver, partitionOver } from './channels.ts'

const numbered = (count: number) => Array.from({ length: count }, (_, i) => ({ i }))

function failure(run: () => void): StreamError {
  try {
    run()
  } catch (thrown) {
    if (thrown instanceof StreamError) return thrown
    throw thrown
  }
  throw new Error('nothing was thrown')
}

describe('overdraft', () => {
  test('rows emitted in one call come in their order, however many there are', () => {
    const channel = new Channel({ segmentSizeBytes: 512, segments: 2 })
    const partition = partitionOver([channel])
    const rows = numbered(3 * stagingCapacity + 17)
    for (const [i, row] of rows.entries()) partition.emit(row, i)
    expect(partition.isFull).toBe(true)
    deliver(partition, [channel], 1)
    expect(channel.taken).toEqual(rows.map((row, i) => ({ row, timestamp: i })))
    expect(partition.rowsOut).toBe(rows.length)
    expect(partition.isFull).toBe(false)
  })

  test('rows emitted while a scatter waits for credit come behind it', () => {
    const channel = new Channel({ segmentSizeBytes: 256, segments: 1 })
    const partition = partitionOver([channel])
    const rows = numbered(4000)
    for (const row of rows.slice(0, 2500)) partition.emit(row, 0)
    expect(partition.scatter()).toBe(false)
    expect(partition.isFull).toBe(true)
    for (const row of rows.slice(2500)) partition.emit(row, 0)
    deliver(partition, [channel], 1)
    expect(channel.rows).toEqual(rows)
  })

  test('events never overtake rows: the first row of a stream, which has no schema yet, is no exception', () => {
    const channel = new Channel()
    const partition = partitionOver([channel])
    partition.emit({ i: 1 }, 5)
    expect(partition.hasUnsent).toBe(true)
    expect(partition.scatter()).toBe(true)
    partition.broadcastEvent({ kind: 'watermark', timestamp: 9 })
    partition.emit({ i: 2, more: 'x' }, 10)
    expect(partition.scatter()).toBe(true)
    partition.broadcastEvent({ kind: 'endOfData' })
    expect(partition.isDrained).toBe(true)
    partition.flush()
    expect(channel.takeAll().taken).toEqual([
      { row: { i: 1 }, timestamp: 5 },
      { kind: 'watermark', timestamp: 9 },
      { row: { i: 2, more: 'x' }, timestamp: 10 },
      { kind: 'endOfData' },
    ])
  })

  test('making room sends whole batches and leaves the rest to gather', () => {
    const channel = new Channel({ segmentSizeBytes: 64 * 1024, segments: 4 })
    const partition = partitionOver([channel])
    for (const row of numbered(stagingCapacity + 5)) partition.emit(row, 0)
    expect(partition.makeRoom()).toBe(true)
    expect(partition.isOpen).toBe(true)
    expect(partition.rowsOut).toBe(stagingCapacity)
    expect(partition.staging.rowCount).toBe(5)
  })

  test('more than the limit fails with the operator and the option', () => {
    const partition = partitionOver([new Channel()], { maxOverdraftBytes: 100_000 })
    let emitted = 0
    const error = failure(() => {
      for (; ; emitted++) partition.emit({ text: 'x'.repeat(1000), i: emitted }, 0)
    })
    expect(error.code).toBe('OUTPUT_OVERFLOW')
    expect(error.message).toContain("Operator 'source'")
    expect(error.place).toEqual({ operator: 'source', option: 'execution.max-output-overdraft' })
    expect(emitted).toBeGreaterThan(50)
    expect(emitted).toBeLessThan(150)
  })

  test('one row over the limit waits alone, and fails with its size once another comes', () => {
    const partition = partitionOver([new Channel()], { maxOverdraftBytes: 100_000 })
    partition.emit({ text: 'x'.repeat(200_000) }, 0)
    const error = failure(() => partition.emit({ text: 'x' }, 0))
    expect(error.code).toBe('RECORD_TOO_LARGE')
    expect(error.message).toMatch(
      /a record of about 195\.\d+ kb with other rows in one call, and execution\.max-output-overdraft allows 97\.66 kb/,
    )
  })

  test('an edge whose consumer is stuck takes no more than its ring and one batch', () => {
    const partition = partitionOver([new Channel({ segmentSizeBytes: 1024, segments: 2 })])
    let taken = 0
    for (let turn = 0; turn < 100; turn++) {
      while (!partition.isFull && taken < 1e6) partition.emit({ i: taken++ }, 0)
      partition.makeRoom()
      partition.flush()
    }
    expect(taken).toBeLessThan(2 * stagingCapacity)
  })
})

describe('schemas', () => {
  test('widening in mid-stream sends the rows before under their own schema', () => {
    const channel = new Channel({ segmentSizeBytes: 4096 })
    const partition = partitionOver([channel])
    const rows = [{ a: 1 }, { a: 2 }, { a: 'three' }, { a: 4, b: true }, { a: 5 }]
    for (const row of rows) {
      partition.emit(row, 0)
      if (partition.isFull) partition.makeRoom()
    }
    deliver(partition, [channel])
    expect(channel.schemas.map(({ fields }) => fields.map(({ name, type }) => `${name} ${type.kind}`).join())).toEqual([
      'a float64',
      'a any',
      'a any,b boolean',
    ])
    expect(channel.rows).toEqual([{ a: 1 }, { a: 2 }, { a: 'three' }, { a: 4, b: true }, { a: 5, b: null }])
    expect(partition.version).toBe(3)
  })

  test('a row that does not fit a declared schema fails with operator and field', () => {
    const partition = partitionOver([new Channel()], { schema: schemaOf(t.row({ a: t.int32, b: t.nullable(t.utf8) })) })
    partition.emit({ a: 1, b: null }, 0)
    partition.emit({ a: 1.5, b: 'x' }, 0)
    const error = failure(() => partition.scatter())
    expect(error.code).toBe('TYPE_MISMATCH')
    expect(error.message).toContain("'a'")
    expect(error.message).toContain("Operator 'source'")
    expect(error.place.operator).toBe('source')
    expect(error.hint).toContain('t.float64')
  })

  test('only the fields that a consumer can see are sent', () => {
    const channel = new Channel()
    const partition = partitionOver([channel], { projection: ['a', 'c'] })
    for (const row of [{ a: 1, b: 'long' }, { a: 2, b: 'x', c: 'there' }, { b: 1 }]) partition.emit(row, 0)
    deliver(partition, [channel])
    expect(channel.rows).toEqual([
      { a: 1, c: null },
      { a: 2, c: 'there' },
      { a: null, c: null },
    ])
  })

  test('where a consumer sees no field at all its rows are still counted', () => {
    const channel = new Channel()
    const partition = partitionOver([channel], { projection: [] })
    for (const row of numbered(5000)) {
      partition.emit(row, 0)
      if (partition.isFull && !partition.makeRoom()) channel.takeAll()
    }
    deliver(partition, [channel])
    expect(channel.rows).toHaveLength(5000)
  })
})

describe('failures on the way to the channels', () => {
  const two = () => [new Channel(), new Channel()]

  test('a custom partitioner that throws is named as such, whenever it is called', () => {
    const router = () =>
      new CustomRouter(() => {
        throw new TypeError('no idea')
      })
    // The first row waits for its schema, so that the partitioner is called in the scatter.
    const late = partitionOver(two(), { router: router() })
    late.emit({ a: 1 }, 0)
    const early = partitionOver(two(), { router: router(), schema: schemaOf(t.row({ a: t.int32 })) })
    for (const error of [failure(() => late.scatter()), failure(() => early.emit({ a: 1 }, 0))]) {
      expect(error.code).toBe('USER_FUNCTION_FAILED')
      expect(error.message).toContain('no idea')
      expect(error.place.operator).toBe('source')
      expect((error.cause as Error).name).toBe('TypeError')
    }
  })

  test('a key that is null is refused with operator and field', () => {
    const partition = partitionOver(two(), { router: new HashRouter({ kind: 'field', field: 'k' }, 2, 128) })
    partition.emit({ k: 'a' }, 0)
    partition.emit({ k: null }, 0)
    const error = failure(() => partition.scatter())
    expect(error.code).toBe('TYPE_MISMATCH')
    expect(error.message).toContain("field 'k'")
    expect(error.place.operator).toBe('source')
  })
})
