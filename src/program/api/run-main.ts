/**
 * Runs a user's main against an environment that somebody hosts: for the command line and for whoever plans. While main
 * runs alone, time and randomness are the plan's, so that every run of it gives the same plan; while one of its jobs
 * runs they are the machine's, since user functions may be running in this process.
 */
import { deterministicGlobals, type PlanSeed } from '../../base/core/deterministic-globals.ts'
import { enterEnvironment } from './current-environment.ts'
import { Environment, type EnvironmentHost } from './environment.ts'

/** What a program's module exports by default; a script is run by importing it in such a function. */
export type Main<A = any> = (env: Environment, args: A) => unknown

export interface MainRun {
  readonly env: Environment
  /** Settles with main and, if main executed nothing, the job that it left behind. */
  readonly done: Promise<void>
  /** Gives the machine's time and randomness back for good; `done` may stay open for ever. */
  close(): void
}

export interface RunOptions {
  /** false: jobs are only planned or replayed, so that time and randomness stay the plan's all along. */
  readonly jobsRun?: boolean
}

export function runMain<A>(main: Main<A>, args: A, host: EnvironmentHost, seed: PlanSeed, { jobsRun = true }: RunOptions = {}): MainRun {
  const globals = deterministicGlobals(seed)
  let jobs = 0
  let closed = false
  const env = new Environment({
    ...host,
    jobStarts() {
      jobs++
      if (jobsRun) globals.remove()
      host.jobStarts?.()
    },
    jobEnds() {
      jobs--
      if (jobs === 0 && !closed && jobsRun) globals.install()
      host.jobEnds?.()
    },
  })
  const leave = enterEnvironment(env)
  const close = (): void => {
    closed = true
    globals.remove()
    leave()
  }
  const run = async (): Promise<void> => {
    try {
      globals.install()
      await main(env, args)
      if (env.executions === 0 && env.hasPendingOperators) await env.execute()
    } finally {
      close()
    }
  }
  return { env, done: run(), close }
}
