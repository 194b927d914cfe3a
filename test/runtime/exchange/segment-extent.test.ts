import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { segmentExtent } from '../../../src/runtime/exchange/segment-extent.ts'
import { Channel, partitionOver } from './channels.ts'

const extentOfFirst = ({ ring }: Channel) => segmentExtent(ring.views.i32, ring.segmentOffset(0), ring.segmentSizeBytes)

describe('the extent of a segment', () => {
  it('is that of its frames, and tells the last of a channel', () => {
    const channel = new Channel()
    channel.writer.event({ kind: 'watermark', timestamp: 7 })
    channel.writer.event({ kind: 'endOfData' })
    channel.writer.flush()
    expect(extentOfFirst(channel)).toEqual({ bytes: 64, isLast: false })
    const closing = new Channel()
    closing.writer.event({ kind: 'endOfPartition' })
    closing.writer.flush()
    expect(extentOfFirst(closing)).toEqual({ bytes: 32, isLast: true })
  })

  it('is the whole segment where a row goes in parts', () => {
    const channel = new Channel()
    const partition = partitionOver([channel])
    partition.emit({ text: 'x'.repeat(3000) }, Number.NaN)
    partition.scatter()
    partition.flush()
    expect(channel.ring.published).toBe(2)
    const { i32 } = channel.ring.views
    expect(segmentExtent(i32, channel.ring.segmentOffset(1), 1024)).toEqual({ bytes: 1024, isLast: false })
  })

  it('is none where there are no frames', () => {
    const words = (...values: number[]) => Int32Array.from([...values, ...new Array(32).fill(0)])
    for (const [kind, bytes] of [
      [11, 32],
      [-1, 32],
      [1, 0],
      [1, 24],
      [1, 36],
      [1, 136],
      [1, -32],
    ] as const) {
      expect(segmentExtent(words(kind, bytes), 0, 128)).toBeUndefined()
    }
    expect(segmentExtent(words(1, 32), 0, 36), 'a rest too short for a header').toBeUndefined()
    expect(segmentExtent(words(0, 77), 0, 128)).toEqual({ bytes: 0, isLast: false })
  })

  it('never reaches beyond the limit, whatever stands there', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.integer(), fc.integer({ min: 0, max: 12 }), fc.constant(32)), { minLength: 16, maxLength: 64 }),
        (values) => {
          const limit = (values.length * 4) & ~7
          const extent = segmentExtent(Int32Array.from(values), 0, limit)
          if (extent !== undefined) expect(extent.bytes).toBeLessThanOrEqual(limit)
        },
      ),
    )
  })
})
