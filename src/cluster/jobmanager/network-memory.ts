/**
 * How large the rings of a job are, so that their sum stays within the network memory of the process. Pure.
 *
 * A channel wants four segments of taskmanager.memory.segment-size. Where a wide job has so many channels that this exceeds
 * the limit (an all-to-all edge has one for each pair of subtasks), first the segments become two, which still lets a
 * producer fill one while its consumer empties the other, then they become smaller, down to 4 kb; only a job that does not
 * fit even then is refused. A ring must have a power of two of segments, each a multiple of 64 bytes.
 */
import { formatMemorySize } from '../../base/core/memory-size.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import { type RingOptions, ringSizeBytes } from '../../runtime/exchange/ring-size.ts'

export interface NetworkMemory {
  readonly segmentSizeBytes: number
  readonly maxBytes: number
}

/** 256 mb is address space: a page of a ring that is never written is never resident. */
export const defaultNetworkMemory: NetworkMemory = { segmentSizeBytes: 128 * 1024, maxBytes: 256 * 1024 * 1024 }

const wantedSegments = 4
const fewestSegments = 2
const smallestSegmentBytes = 4 * 1024

export function ringOptionsFor(channels: number, memory: NetworkMemory = defaultNetworkMemory): RingOptions {
  let segments = wantedSegments
  let segmentSizeBytes = roundDown64(Math.max(memory.segmentSizeBytes, smallestSegmentBytes))
  const fits = () => channels * ringSizeBytes({ segmentSizeBytes, segments }) <= memory.maxBytes
  while (!fits() && segments > fewestSegments) segments /= 2
  while (!fits() && segmentSizeBytes > smallestSegmentBytes)
    segmentSizeBytes = roundDown64(Math.max(smallestSegmentBytes, segmentSizeBytes / 2))
  if (fits()) return { segmentSizeBytes, segments }
  const needed = channels * ringSizeBytes({ segmentSizeBytes, segments })
  throw new StreamError(
    'INVALID_CONFIG',
    `The job has ${channels} channels between its subtasks, which need ${formatMemorySize(needed)} of network memory at least; the limit is ${formatMemorySize(memory.maxBytes)}`,
    { hint: 'Raise taskmanager.memory.network.max or lower the parallelism.', place: { option: 'taskmanager.memory.network.max' } },
  )
}

const roundDown64 = (bytes: number): number => Math.floor(bytes / 64) * 64
