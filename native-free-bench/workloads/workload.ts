/**
 * What a workload is: a program over generated records, what it reports of its result, and what that must be. The records
 * are those of the Flink peer (peers/flink/README.md has the definitions), so that both sides do the same work.
 */
import type { DataStream, Environment } from 'headrace'

export interface WorkloadOptions {
  readonly records: number
  readonly keys: number
  /** Whether aggregates are built-in ones, which become kernels over columns, or functions that the engine cannot look into. */
  readonly form: Form
  /** Whether the source declares its row type or it is inferred. */
  readonly schema: 'declared' | 'inferred'
}

export type Form = 'kernel' | 'function'

/** Sums over result rows, which do not depend on their order. Added up over subtasks. */
export type Totals = Readonly<Record<string, number>>

/** What depends on how far the watermark has come (sessions that just touch) has bounds only. */
export interface RowCount {
  readonly atLeast: number
  readonly atMost: number
}

export const exactly = (rows: number): RowCount => ({ atLeast: rows, atMost: rows })

/** Of one sink subtask. */
export interface Tally<R> {
  add(row: R): void
  totals(): Totals
}

export interface Workload<R = any> {
  readonly name: string
  readonly forms: readonly Form[]
  /** About what two cores do in a second: the first guess at how many records a run needs. */
  readonly recordsPerSecond: number
  /** Rows of R, or with more fields. */
  build(env: Environment, options: WorkloadOptions): DataStream<any>
  tally(options: WorkloadOptions): Tally<R>
  /** Computed in the plainest way from the definition of the records: what a smaller run, before the timed ones, must give. */
  expected(options: WorkloadOptions): Totals
  /** How many rows must come out: what every timed run is held to. */
  expectedRows(options: WorkloadOptions): RowCount
  /** The arguments that make the Flink peer run the same. */
  peer(options: WorkloadOptions): readonly string[]
}
