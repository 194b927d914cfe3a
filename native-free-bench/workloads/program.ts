/**
 * One workload as a program for `headrace run`; writes one line of JSON. With `check` every row is summed up, for comparison
 * with the plain evaluation; without it rows are discarded and the steady part is measured.
 */
import { discardSink, type Environment, type Sink } from 'headrace'
import { measure } from '../measure.ts'
import { workloads } from './all.ts'
import { type TakenCheckpoints, watchCheckpoints } from './taken-checkpoints.ts'
import type { Form, Tally, Workload, WorkloadOptions } from './workload.ts'

interface Args {
  readonly workload: string
  readonly records: string
  readonly keys: string
  readonly form: Form
  readonly schema: 'declared' | 'inferred'
  readonly check?: string
  /** A folder: the job takes a checkpoint there every second. */
  readonly checkpoints?: string
}

export interface ProgramReport {
  /** Of the sink alone; absent where the engine counted only the whole chain that the sink is part of. */
  readonly rows: number | undefined
  readonly totals: Readonly<Record<string, number>>
  readonly records: number
  readonly seconds: number
  readonly coreSeconds: number
  readonly checkpoints?: TakenCheckpoints
}

const warm = 0.1
const sinkName = 'results'

export default async function workload(env: Environment, args: Args): Promise<void> {
  const options: WorkloadOptions = { records: Number(args.records), keys: Number(args.keys), form: args.form, schema: args.schema }
  const definition = workloads[args.workload]!
  definition.build(env, options).sinkTo(args.check === undefined ? discardSink() : tallySink(definition, options), { name: sinkName })
  if (args.checkpoints !== undefined) env.enableCheckpointing(1000, { dir: args.checkpoints })
  const job = await env.executeAsync(definition.name)
  const checkpoints = args.checkpoints === undefined ? undefined : watchCheckpoints(job, `${args.checkpoints}/kept`)
  const { result, ...measured } = await measure(job, options.records, warm)
  const rows = result.operators.find((operator) => operator.name === sinkName || operator.name === `Sink: ${sinkName}`)?.recordsIn
  const report: ProgramReport = { rows, totals: result.counters, ...measured, ...(checkpoints && { checkpoints: checkpoints() }) }
  process.stdout.write(`${JSON.stringify(report)}\n`)
}

/** Adds the totals of each subtask to the job's counters. */
function tallySink<R>(definition: Workload<R>, options: WorkloadOptions): Sink<R> {
  return {
    name: 'tally',
    createWriter(ctx) {
      const tally: Tally<R> = definition.tally(options)
      return {
        write: (row) => tally.add(row),
        flush(endOfInput) {
          if (endOfInput) for (const [name, value] of Object.entries(tally.totals())) ctx.addToCounter(name, value)
        },
        close: () => {},
      }
    },
  }
}
