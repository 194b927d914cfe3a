/**
 * What a segment holds: frames one after another, each a multiple of 8 bytes. A frame begins with this header:
 *
 * | word (int32) | what                                                                        |
 * | ------------ | --------------------------------------------------------------------------- |
 * | 0            | kind (below); 0 ends the segment                                            |
 * | 1            | bytes of the whole frame, header included                                   |
 * | 2            | batch: rows; dictionary: entries; part: bytes in this part                  |
 * | 3            | batch, dictionary, schema: number of the schema in this channel, from 0     |
 * | 4            | batch: 1 = has timestamps; dictionary: column; part: 1 = last part          |
 * | 5            | batch: bit c = column c holds dictionary ids; dictionary: id of first entry |
 * | 6, 7         | watermark, barrier: a float64                                               |
 *
 * Then follow, by kind: batch: timestamps (float64 a row, NaN = none) if it has them, and one block a column
 * (base/columnar/write-column.ts); schema: its JSON in UTF-8, length in word 2; dictionary: a utf8 block; part: bytes of
 * any other frame that is too large for a segment, to be joined.
 */
export const frameKind = {
  endOfSegment: 0,
  batch: 1,
  watermark: 2,
  idle: 3,
  active: 4,
  endOfData: 5,
  schema: 6,
  dictionary: 7,
  part: 8,
  barrier: 9,
  endOfPartition: 10,
} as const

export const frameHeaderBytes = 32

/** Columns that word 5 can tell to be dictionary-coded; those behind them never are. */
export const maxDictionaryColumns = 31

/** What a channel carries beside batches, in order with them. */
export type ChannelEvent =
  | { readonly kind: 'watermark'; readonly timestamp: number }
  | { readonly kind: 'idle' }
  | { readonly kind: 'active' }
  | { readonly kind: 'barrier'; readonly checkpointId: number }
  /** No more rows come; barriers may. */
  | { readonly kind: 'endOfData' }
  /** Nothing more comes: the channel is closed. */
  | { readonly kind: 'endOfPartition' }

export const alignTo8 = (bytes: number): number => (bytes + 7) & ~7
