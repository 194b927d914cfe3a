import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ringOptionsFor } from '../../../src/cluster/jobmanager/network-memory.ts'
import { ringSizeBytes } from '../../../src/runtime/exchange/ring-size.ts'

const kb = 1024
const mb = 1024 * kb

describe('the memory of channels', () => {
  it('is four segments of the configured size while there is room', () => {
    expect(ringOptionsFor(4, { segmentSizeBytes: 128 * kb, maxBytes: 256 * mb })).toEqual({ segmentSizeBytes: 128 * kb, segments: 4 })
  })

  it('gives up segments before it makes them smaller', () => {
    expect(ringOptionsFor(16, { segmentSizeBytes: 128 * kb, maxBytes: 5 * mb })).toEqual({ segmentSizeBytes: 128 * kb, segments: 2 })
    expect(ringOptionsFor(16, { segmentSizeBytes: 128 * kb, maxBytes: 3 * mb })).toEqual({ segmentSizeBytes: 64 * kb, segments: 2 })
  })

  it('refuses a job that does not fit with the smallest rings, and says what to change', () => {
    expect(() => ringOptionsFor(1000, { segmentSizeBytes: 128 * kb, maxBytes: mb })).toThrow(
      'The job has 1000 channels between its subtasks, which need 8.06 mb of network memory at least; the limit is 1 mb',
    )
  })

  it('never exceeds the limit, and is what a ring can be', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 5000 }),
        fc.integer({ min: 1, max: mb }),
        fc.integer({ min: 64, max: 512 }),
        (channels, segmentSizeBytes, maxMb) => {
          const ring = ringOptionsFor(channels, { segmentSizeBytes, maxBytes: maxMb * mb })
          expect(channels * ringSizeBytes(ring)).toBeLessThanOrEqual(maxMb * mb)
          expect(ring.segmentSizeBytes % 64).toBe(0)
          expect([2, 4]).toContain(ring.segments)
        },
      ),
    )
  })
})
