/**
 * How large the ring of one channel is, so that whoever deploys can allocate it without knowing its layout. A ring's
 * serial numbers wrap at 2^32, so `segments` must be a power of two.
 */
export interface RingOptions {
  /** A multiple of 64. */
  readonly segmentSizeBytes: number
  /** A power of two. */
  readonly segments: number
}

export const ringHeaderBytes = 256

/** Bytes of a ring's SharedArrayBuffer. */
export const ringSizeBytes = (options: RingOptions): number => ringHeaderBytes + options.segments * options.segmentSizeBytes
