/**
 * How much of a segment is used, for those who carry segments to another machine: they copy that much and look no further into it.
 * What came from outside is checked here before a ChannelReader follows it: frames stand one behind the other and end where the bytes do.
 */
import { frameHeaderBytes, frameKind } from './frame.ts'

export interface SegmentExtent {
  readonly bytes: number
  /** Its last frame closes the channel. */
  readonly isLast: boolean
}

const lastKind = frameKind.endOfPartition

/** Of the segment at byte `at` of a ring; undefined: these are no frames. `limit`: bytes that may be used. */
export function segmentExtent(i32: Int32Array, at: number, limit: number): SegmentExtent | undefined {
  let bytes = 0
  let kind: number = frameKind.endOfSegment
  while (bytes < limit) {
    if (limit - bytes < 8) return undefined
    const word = (at + bytes) >> 2
    if (i32[word] === frameKind.endOfSegment) break
    kind = i32[word]!
    const size = i32[word + 1]!
    if (kind < 0 || kind > lastKind || size < frameHeaderBytes || size % 8 !== 0 || size > limit - bytes) return undefined
    bytes += size
  }
  return { bytes, isLast: kind === lastKind }
}
