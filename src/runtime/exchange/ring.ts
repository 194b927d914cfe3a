/**
 * The ring of one channel: a fixed number of segments in one SharedArrayBuffer, one producer, one consumer. A segment is
 * published whole and released whole; a producer that has published `segments` more than were released has no credit.
 *
 * | bytes                | what                                                              | written by |
 * | -------------------- | ----------------------------------------------------------------- | ---------- |
 * | 0..3                 | segments published, wraps                                         | producer   |
 * | 64..67               | segments released, wraps                                          | consumer   |
 * | 128..131, 132..135   | segment size in bytes, number of segments                         | creator    |
 * | 256 + n * size       | segment n: frames one after another (frame.ts), then kind 0 = end | producer   |
 *
 * The two counters are on cache lines of their own and only touched through Atomics; all else is ordered by them.
 */
import type { SegmentViews } from '../../base/columnar/write-column.ts'
import { assert } from '../../base/core/stream-error.ts'
import { type RingOptions, ringHeaderBytes, ringSizeBytes } from './ring-size.ts'

const published = 0
const released = 16
const sizeWord = 32
const countWord = 33

/** Allocates a ring; its options are kept in it. */
export function createRing(options: RingOptions): SharedArrayBuffer {
  const { segments, segmentSizeBytes } = options
  assert(segments > 0 && (segments & (segments - 1)) === 0, `a ring has a power of two of segments, not ${segments}`)
  assert(segmentSizeBytes > 0 && segmentSizeBytes % 64 === 0, `segments are multiples of 64 bytes, not ${segmentSizeBytes}`)
  const ring = new SharedArrayBuffer(ringSizeBytes(options))
  const words = new Int32Array(ring, 0, ringHeaderBytes / 4)
  words[sizeWord] = segmentSizeBytes
  words[countWord] = segments
  return ring
}

/** One end's view of a ring. Offsets are bytes from the ring's beginning. */
export class Ring {
  readonly segmentSizeBytes: number
  readonly segments: number
  readonly views: SegmentViews
  readonly #words: Int32Array

  constructor(ring: SharedArrayBuffer) {
    this.#words = new Int32Array(ring, 0, ringHeaderBytes / 4)
    this.segmentSizeBytes = this.#words[sizeWord]!
    this.segments = this.#words[countWord]!
    this.views = {
      u8: new Uint8Array(ring),
      i32: new Int32Array(ring),
      f64: new Float64Array(ring),
      buffer: Buffer.from(ring),
      limit: ring.byteLength,
    }
  }

  /** Byte offset of the segment with this serial number. */
  segmentOffset(serial: number): number {
    return ringHeaderBytes + ((serial >>> 0) % this.segments) * this.segmentSizeBytes
  }

  get published(): number {
    return Atomics.load(this.#words, published)
  }

  get released(): number {
    return Atomics.load(this.#words, released)
  }

  publish(): void {
    Atomics.add(this.#words, published, 1)
  }

  release(): void {
    Atomics.add(this.#words, released, 1)
  }
}
