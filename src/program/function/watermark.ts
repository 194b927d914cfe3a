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

/** Names of the fields that hold numbers, nullable ones included: what may be a timestamp, a sum or an average. */
export type NumericField<T> = Extract<{ [F in keyof T]-?: NonNullable<T[F]> extends number ? F : never }[keyof T], string>

/** A function, or the name of a field of milliseconds, which lets the engine read the column. A Date needs a function: `(row) => row.at.getTime()`. */
export type TimestampAssigner<T> = TimestampFunction<T> | NumericField<T>

type TimestampFunction<T> = (element: T, recordTimestamp: number | null) => number

export interface WatermarkStrategy<T> {
  readonly generator:
    | { readonly kind: 'bounded'; readonly outOfOrdernessMs: number }
    | { readonly kind: 'none' }
    | { readonly kind: 'custom'; readonly create: () => WatermarkGenerator<T> }
  /** Absent: the timestamp that the source gave the record is kept. Any field here, so that a strategy for some fields is one for rows of more. */
  readonly timestamp?: TimestampFunction<T> | (keyof T & string)
  readonly idlenessMs?: number
}
