/**
 * Plans a job without running it: main runs up to the execute() that is the job's, and stays there. Task threads plan
 * this way to get their functions, `headrace info` to show the plan.
 */
import type { Config } from '../../base/core/config-options.ts'
import type { PlanSeed } from '../../base/core/deterministic-globals.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { JobGraph } from '../graph/job-graph.ts'
import type { StreamGraph } from '../graph/stream-graph.ts'
import type { Executor, JobClient, JobExecutionResult, RecordedExecution } from './executor.ts'
import { replayedClient } from './recorded-client.ts'
import { type Main, runMain } from './run-main.ts'

export interface PlanOptions {
  readonly seed: PlanSeed
  readonly config?: Config
  /** Executes of main before the one that is planned, which return what they returned then. */
  readonly earlier?: readonly RecordedExecution[]
}

export interface Plan {
  readonly streamGraph: StreamGraph
  readonly jobGraph: JobGraph
}

/** Time and randomness are the process's, so only one main can be planned at a time. */
let last: Promise<unknown> = Promise.resolve()

/**
 * The plan of execute number `earlier.length` of main.
 *
 * ```ts
 * const { jobGraph } = await plan(main, { input: 'a.csv' }, { seed: { timeMs: 0, random: 1 } })
 * ```
 */
export function plan<A>(main: Main<A>, args: A, options: PlanOptions): Promise<Plan> {
  return inTurn(() => planNow(main, args, options))
}

function inTurn<T>(run: () => Promise<T>): Promise<T> {
  const planned = last.then(run)
  // Only for the order: whoever asked for this plan gets its failure, and the next one is planned all the same.
  last = planned.catch(() => undefined)
  return planned
}

export interface ProgramPlan {
  /** One for each execute() that main came to. */
  readonly plans: readonly Plan[]
  /** What main threw behind the last of them, where an earlier job's result that says nothing led it astray. */
  readonly failure?: unknown
}

/** A program that executes jobs without end is planned so far. */
const mostJobs = 100

/** The plans of all jobs of main. None is run: execute() gives main a result without records, and collected rows are none. */
export function planProgram<A>(main: Main<A>, args: A, { seed, config }: Omit<PlanOptions, 'earlier'>): Promise<ProgramPlan> {
  return inTurn(async () => {
    const plans: Plan[] = []
    let enough: () => void
    const isEnough = new Promise<void>((resolve) => {
      enough = resolve
    })
    const executor: Executor = {
      submit({ streamGraph, jobGraph }) {
        plans.push({ streamGraph, jobGraph })
        if (plans.length < mostJobs) return Promise.resolve(replay(jobGraph, { outcome: { result: emptyResult(jobGraph) }, collected: {} }))
        enough()
        return new Promise<JobClient>(() => undefined)
      },
    }
    const run = runMain(main, args, { executor: async () => executor, ...(config !== undefined && { config }) }, seed, { jobsRun: false })
    try {
      await Promise.race([run.done, isEnough])
    } catch (failure) {
      if (plans.length === 0) throw failure
      return { plans, failure }
    } finally {
      run.close()
    }
    if (plans.length === 0) throw endedEarly(0, 0)
    return { plans }
  })
}

const emptyResult = ({ fingerprint, jobName }: JobGraph): JobExecutionResult => ({
  jobId: fingerprint,
  jobName,
  netRuntimeMs: 0,
  counters: {},
  operators: [],
})

async function planNow<A>(main: Main<A>, args: A, { seed, config, earlier = [] }: PlanOptions): Promise<Plan> {
  let executions = 0
  let planned: (plan: Plan) => void
  const reached = new Promise<Plan>((resolve) => {
    planned = resolve
  })
  const executor: Executor = {
    submit({ streamGraph, jobGraph, onCollect }) {
      const record = earlier[executions++]
      if (record !== undefined) return Promise.resolve(replay(jobGraph, record, onCollect))
      planned({ streamGraph, jobGraph })
      // main stays in this execute(): what comes after it belongs to later jobs.
      return new Promise<JobClient>(() => undefined)
    },
  }
  const keepPlanning = { executor: async () => executor, ...(config !== undefined && { config }) }
  const run = runMain(main, args, keepPlanning, seed, { jobsRun: false })
  try {
    return await Promise.race([
      reached,
      run.done.then(() => {
        throw endedEarly(executions, earlier.length)
      }),
    ])
  } finally {
    run.close()
  }
}

function replay(jobGraph: JobGraph, record: RecordedExecution, onCollect?: (id: string, rows: readonly unknown[]) => void): JobClient {
  const { outcome } = record
  for (const [id, rows] of Object.entries(record.collected)) onCollect?.(id, rows)
  const result: Promise<JobExecutionResult> =
    outcome === undefined
      ? new Promise(() => undefined)
      : 'result' in outcome
        ? Promise.resolve(outcome.result)
        : Promise.reject(StreamError.fromWire(outcome.error))
  const status = outcome === undefined ? 'RUNNING' : 'result' in outcome ? 'FINISHED' : 'FAILED'
  const jobId = outcome !== undefined && 'result' in outcome ? outcome.result.jobId : jobGraph.fingerprint
  return replayedClient({ jobId, status, result }, record.client)
}

function endedEarly(executions: number, wanted: number): StreamError {
  if (wanted === 0) {
    return new StreamError('INVALID_PROGRAM', 'The program ended without a job: it has no operators', {
      hint: 'Read a source and give its stream to a sink, as in env.fromSequence(1, 10).print().',
    })
  }
  return new StreamError(
    'PLAN_MISMATCH',
    `The program executed ${executions} jobs when it ran again, and at least ${wanted + 1} the first time`,
    {
      hint: 'main runs once in each task thread and must do the same each time: let it depend on its arguments and on files shipped with it only.',
    },
  )
}
