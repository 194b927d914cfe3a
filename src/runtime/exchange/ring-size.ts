/**
 * How large the ring of one channel is, so that whoever deploys can allocate it without knowing its layout.
 */
export interface RingOptions {
  readonly segmentSizeBytes: number
  readonly segments: number
}

const headerBytes = 256

/** Bytes of a ring's SharedArrayBuffer. */
export const ringSizeBytes = (options: RingOptions): number => headerBytes + options.segments * options.segmentSizeBytes
