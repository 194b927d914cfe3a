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
  'window-session, kernel': {
    ratio: 8,
    whereTheTimeGoes:
      'window loop 50 % (to join a record with the session of its key, or to open one), firing 8 %, garbage collection 6 %, joins of more than one session 3 %, wake-ups and source the rest; in shorter runs (8 s) the ratio was 8.0: a record takes 230 ns of processor time in a run of 9 million records and 360 in one of 35 million, which is not explained yet',
  },
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

/** Of the section on checkpoints. */
export const checkpointAims = { ratio: 6, endToEndMs: 250, syncMs: 10, slowerBy: 0.05, restartMs: 1000 }

/** By job: where the time goes, shown while it misses one of its aims. */
export const whereCheckpointsGo: Readonly<Record<string, string>> = {
  'state32, 1,000,000 keys':
    'a record takes 310 ns of processor time without checkpoints (6.2 M records/s on two cores), most of them waiting for the memory of tables of 117 MB. A checkpoint of 1,000,000 rows takes some 0.3 core-seconds of the 2 that a second has: a quarter for saving the live entries of all pages, which keys at random touch within 2 ms, and for gathering them into columns, a quarter for whole numbers, checksum and Arrow, a sixth for the copy into the page cache, the rest for waking threads and collecting garbage. End to end: the writer has every other millisecond of a busy thread, so twice the 80 to 100 ms that its half takes, then 25 ms until two files of 20 MB are on the disk, then the metadata',
  'state32, 10,000,000 keys':
    'the job itself, not its checkpoints: without them a record takes 700 to 1,000 ns of processor time, so two cores give 2 to 2.8 M records/s at most, and 6 times the peer would be more. Nearly all of its records make an entry: half of the time of that is page faults (tables grow to 1.9 GB in memory that is new), the rest cache misses. A checkpoint has 9,000,000 rows (350 MB) and takes 0.6 to 1.2 core-seconds: 250 ms end to end would take more cores than there are, and a disk that writes 1.4 GB/s. The greatest sync comes while tables grow: keys are spread evenly, so all 64 of a subtask double at the same number of keys (4.2 M, 8.4 M), at some 10 ms each, and a source whose barrier comes then waits for room in a channel behind them',
  'window-tumbling, 10,000 keys, kernel':
    'a checkpoint takes some 0.04 core-seconds of the 2 that a second has, for its rows and their file; while it is in flight a loop of its own saves pages',
}
