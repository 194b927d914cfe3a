/**
 * The rows of the results table: which workload, how many keys, in which form; and the runs that give a row its figures.
 */
import { headraceRun } from './headrace-command.ts'
import { workloads } from './workloads/all.ts'
import type { ProgramReport } from './workloads/program.ts'
import { state32 } from './workloads/state32.ts'
import type { TakenCheckpoints } from './workloads/taken-checkpoints.ts'
import type { Form, RowCount, Workload, WorkloadOptions } from './workloads/workload.ts'

export interface Row {
  readonly workload: Workload
  readonly keys: number
  readonly form: Form
  readonly schema: WorkloadOptions['schema']
}

/** One side's figures in one run. */
export interface Figures {
  readonly recordsPerSecond: number
  readonly recordsPerCoreSecond: number
  readonly seconds: number
  /** What the run was given, warm-up included. */
  readonly records?: number
  /** Absent: the run's result was not looked at. */
  readonly rows?: number
  readonly checkpoints?: TakenCheckpoints
}

const keysOf: Readonly<Record<string, readonly number[]>> = {
  'keyed-sum': [10_000, 1_000_000],
  'window-tumbling': [100, 10_000, 1_000_000],
}

export function rowsOf(filter: string | undefined, keys: number | undefined): Row[] {
  const chosen =
    filter === undefined
      ? Object.values(workloads).filter((workload) => workload !== state32)
      : filter.split(',').map((name) => workloads[name] ?? unknown(name))
  return chosen.flatMap((workload) =>
    (keys === undefined ? (keysOf[workload.name] ?? [10_000]) : [keys]).flatMap((count) =>
      workload.forms.flatMap((form): Row[] => {
        const declared: Row = { workload, keys: count, form, schema: 'declared' }
        return workload.name === 'window-tumbling' && count === 10_000 && form === 'kernel'
          ? [declared, { ...declared, schema: 'inferred' }]
          : [declared]
      }),
    ),
  )
}

function unknown(name: string): never {
  throw new Error(`There is no workload '${name}'. There are ${Object.keys(workloads).join(', ')}.`)
}

export const titleOf = ({ workload, keys, form, schema }: Row): string =>
  `${workload.name}${keysOf[workload.name] === undefined ? '' : `, ${keys.toLocaleString('en')} keys`}${workload.forms.includes('kernel') ? `, ${form}` : ''}${schema === 'inferred' ? ', inferred schema' : ''}`

export interface RunSettings {
  readonly parallelism: number
  readonly mode: string
  /** A folder: with a checkpoint every second, there. */
  readonly checkpoints?: string
}

async function run(row: Row, records: number, { checkpoints, ...settings }: RunSettings, check: boolean): Promise<ProgramReport> {
  const text = await headraceRun(
    {
      program: new URL('workloads/program.ts', import.meta.url),
      ...settings,
      // Freezing rows, which inline mode does by default, is for finding mistakes.
      define: settings.mode === 'inline' ? ['execution.check-mutation=false'] : [],
      args: {
        ...{ workload: row.workload.name, records, keys: row.keys, form: row.form, schema: row.schema },
        ...{ checkpoints, check: check ? 'true' : undefined },
      },
    },
    'pipe',
  )
  return JSON.parse(text) as ProgramReport
}

/** Records of a check run: two and a half windows of a second. */
const checkedRecords = 2_500_000

/** Runs a smaller job whose whole result is summed up, and throws if it is not what the plain evaluation gives. */
export async function check(row: Row, settings: RunSettings): Promise<void> {
  const records = Math.min(checkedRecords, row.workload.recordsPerSecond)
  const { totals } = await run(row, records, settings, true)
  const expected = row.workload.expected({ ...row, records })
  for (const [name, value] of Object.entries(expected)) {
    if (totals[name] !== value)
      throw new Error(`${titleOf(row)}: ${name} is ${totals[name]} after ${records} records, and should be ${value}`)
  }
  assertRows(row, totals.rows ?? 0, row.workload.expectedRows({ ...row, records }), records)
}

/** How many records a run needs so that its steady part lasts that long. */
export async function calibrate(row: Row, seconds: number, settings: RunSettings): Promise<number> {
  const report = await run(row, row.workload.recordsPerSecond * 2, settings, false)
  return Math.ceil((report.records / report.seconds) * seconds * 1.25)
}

function assertRows(row: Row, rows: number, { atLeast, atMost }: RowCount, records: number): void {
  if (rows >= atLeast && rows <= atMost) return
  const should = atLeast === atMost ? atLeast : `from ${atLeast} to ${atMost}`
  throw new Error(`${titleOf(row)}: ${rows} rows came out of ${records} records, and should be ${should}`)
}

const expectedRows = new Map<string, RowCount>()

/** Runs that were too short are run again, with more records, so often. */
const attempts = 4

/**
 * A run whose steady part lasts `seconds` at least: run again with as many more records as it fell short of, since a rate
 * found in a short run is that of a cold engine.
 */
export async function steady<F extends Figures>(seconds: number, size: number, run: (size: number) => Promise<F>): Promise<F> {
  for (let attempt = 1; ; attempt++) {
    const figures = await run(Math.ceil(size))
    if (figures.seconds >= seconds || attempt === attempts) return figures
    size *= (seconds / figures.seconds) * 1.1
  }
}

export async function timed(row: Row, records: number, settings: RunSettings): Promise<Figures> {
  const report = await run(row, records, settings, false)
  const id = `${row.workload.name} ${row.keys} ${records}`
  const expected = expectedRows.get(id) ?? row.workload.expectedRows({ ...row, records })
  expectedRows.set(id, expected)
  if (report.rows !== undefined) assertRows(row, report.rows, expected, records)
  return {
    recordsPerSecond: report.records / report.seconds,
    recordsPerCoreSecond: report.records / report.coreSeconds,
    seconds: report.seconds,
    records,
    rows: report.rows,
    ...(report.checkpoints && { checkpoints: report.checkpoints }),
  }
}
