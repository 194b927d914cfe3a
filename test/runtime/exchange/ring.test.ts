import { Worker } from 'node:worker_threads'
import { describe, expect, test } from 'vitest'
import { createRing, Ring } from '../../../src/runtime/exchange/ring.ts'
import type { EndOptions, EndReport } from './ring-end.ts'
import { exploreRing, type Fault } from './ring-model.ts'

describe('a ring', () => {
  test('has segments one behind the other, and a power of two of them', () => {
    const ring = new Ring(createRing({ segmentSizeBytes: 128, segments: 4 }))
    expect([0, 1, 2, 3, 4, -1].map((serial) => ring.segmentOffset(serial))).toEqual([256, 384, 512, 640, 256, 640])
    expect(() => createRing({ segmentSizeBytes: 128, segments: 3 })).toThrow('power of two')
    expect(() => createRing({ segmentSizeBytes: 100, segments: 2 })).toThrow('multiples of 64')
  })
})

describe('every interleaving of the protocol', () => {
  test.each([
    [1, 3],
    [2, 4],
    [2, 6],
    [4, 6],
  ])('a ring of %i segments passes %i of them whole, and nobody sleeps for ever', (size, total) => {
    const { problems, states } = exploreRing(size, total, 'none')
    expect([...problems]).toEqual([])
    expect(states).toBeGreaterThan(50)
  })

  test.each<[Fault, string]>([
    ['publishes before it writes', 'a segment was read that does not hold what was published'],
    ['releases before it reads', 'a segment was'],
    ['ignores credit', 'a segment was'],
    ['parks without a second look', 'both ends sleep, and there is work'],
    ['looks before it sets its flag', 'both ends sleep, and there is work'],
  ])('a side that %s is found out', (fault, problem) => {
    expect([...exploreRing(2, 4, fault).problems].join()).toContain(problem)
  })
})

describe('two threads', () => {
  test.each([
    [256, 1, 60_000],
    [512, 2, 150_000],
    [4096, 4, 400_000],
    [64 * 1024, 4, 400_000],
  ])('pass rows through segments of %i bytes, %i of them, with nothing lost, twice or torn', async (segmentSizeBytes, segments, rows) => {
    const ring = createRing({ segmentSizeBytes, segments })
    new Int32Array(ring)[0] = 0x7fffff00
    new Int32Array(ring)[16] = 0x7fffff00
    const sleepers = new SharedArrayBuffer(16)
    const run = (end: EndOptions['end']) =>
      new Promise<EndReport>((resolve, reject) => {
        const workerData: EndOptions = { end, ring, sleepers, rows }
        const worker = new Worker(new URL('./ring-end.ts', import.meta.url), { workerData })
        worker.on('message', resolve)
        worker.on('error', reject)
      })
    const [sent, came] = await Promise.all([run('producer'), run('consumer')])
    expect([sent.problem, came.problem]).toEqual([undefined, undefined])
    expect(came.rows).toBe(rows)
    expect(came.checksum).toBe(sent.checksum)
    expect(sent.sleeps + came.sleeps).toBeGreaterThan(0)
  })
})
