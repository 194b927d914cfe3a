/**
 * Watermark strategies. Watermark t says: no element with a timestamp <= t is to come.
 */
export interface WatermarkOutput {
  emitWatermark(timestamp: number): void
  markIdle(): void
  markActive(): void
}

export interface WatermarkGenerator<T> {
  /** May emit at once; the element goes out before the watermark that it caused. */
  onEvent?(element: T, timestamp: number, output: WatermarkOutput): void
  /** Every pipeline.auto-watermark-interval. */
  onPeriodicEmit?(output: WatermarkOutput): void
}

/** A function, or the name of a numeric field, which lets the engine read the column. */
export type TimestampAssigner<T> = ((element: T, recordTimestamp: number | null) => number) | (keyof T & string)

export interface WatermarkStrategy<T> {
  readonly generator:
    | { readonly kind: 'bounded'; readonly outOfOrdernessMs: number }
    | { readonly kind: 'none' }
    | { readonly kind: 'custom'; readonly create: () => WatermarkGenerator<T> }
  /** Absent: the timestamp that the source gave the record is kept. */
  readonly timestamp?: TimestampAssigner<T>
  readonly idlenessMs?: number
}
