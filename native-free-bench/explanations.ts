/**
 * What each row of the results, and each Nexmark query, aims at, as a ratio to Flink, and, for rows that may stay below it, where their time goes:
 * RESULTS.md shows that only while the row is below. A row that is not named here has no aim of its own.
 */
export interface Aim {
  /** Times Flink's records per second, taken in the same run. */
  readonly ratio: number
  readonly whereTheTimeGoes?: string
}

export const aims: Readonly<Record<string, Aim>> = {
  'map-chain': {
    ratio: 2,
    whereTheTimeGoes: 'the user functions and the generator make up the loop: 12 ns a row, of which the engine adds one check a row',
  },
  rebalance: { ratio: 3 },
  'keyed-sum, 10,000 keys, kernel': { ratio: 5 },
  'keyed-sum, 1,000,000 keys, kernel': { ratio: 8 },
  'window-tumbling, 100 keys, kernel': { ratio: 5 },
  'window-tumbling, 10,000 keys, kernel': { ratio: 7 },
  'window-tumbling, 1,000,000 keys, kernel': { ratio: 10 },
  'window-sliding, kernel': { ratio: 20 },
  'window-session, kernel': { ratio: 8 },
  'window-pojo-strings, kernel': {
    ratio: 4,
    whereTheTimeGoes:
      'dictionary look-up of the user at the producer 27 %, window loop 31 %, source loop 18 %, routing and gathering 12 %, wake-ups 6 %',
  },
  'wordcount, kernel': {
    ratio: 2,
    whereTheTimeGoes:
      'the user\'s split(" ") and the rows it makes 26 %, dictionary look-up of the words 24 %, running sum 12 %, loop of the flatMap 6 %, routing and gathering 8 %, garbage collection 4 %, the rest wake-ups',
  },
  'process-state': { ratio: 2 },
}

/** Of all rows that have a ratio. */
export const meanAim = 5

export interface NexmarkAims {
  readonly sql: number
  readonly dataStream: number
}

/** Ratios of events per second to Flink's two ways of writing a query. The generator alone has none. */
export const nexmarkAims: Readonly<Record<string, NexmarkAims>> = {
  q0: { sql: 2, dataStream: 1 },
  q1: { sql: 2, dataStream: 1 },
  q2: { sql: 2, dataStream: 1 },
  q3: { sql: 2, dataStream: 1 },
  q5: { sql: 2, dataStream: 2 },
  q7: { sql: 2, dataStream: 2 },
  q8: { sql: 2, dataStream: 2 },
  q11: { sql: 2, dataStream: 2 },
}

/** Of the ratios to SQL. */
export const nexmarkMeanAim = 5
