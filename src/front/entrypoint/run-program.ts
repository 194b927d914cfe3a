/**
 * Runs a program on this machine: its main in this thread, its jobs inline or in threads of their own. Threads are started
 * while main is still planning.
 */
import { type Config, configValue } from '../../base/core/config-options.ts'
import type { PlanSeed } from '../../base/core/deterministic-globals.ts'
import { type LocalExecutor, localExecutor } from '../../cluster/local/local-executor.ts'
import type { Executor, JobClient } from '../../program/api/executor.ts'
import { runMain } from '../../program/api/run-main.ts'
import type { JobGraph } from '../../program/graph/job-graph.ts'
import { newSeed, type PreparedProgram, prepareProgram } from './prepare-program.ts'

export interface ProgramRun {
  readonly file: string
  readonly args: unknown
  /** What the program's own settings go over. */
  readonly config: Config
  /** Where the lines of print() go; absent: the console of this process. */
  readonly print?: (stream: 'stdout' | 'stderr', line: string) => void
  /** Before main runs. */
  readonly onWarning: (warning: string) => void
  /** For each job that main executes, once it runs. */
  readonly onJob: (client: JobClient, jobGraph: JobGraph) => void
}

/** Resolves when main and all jobs that it waited for have ended; rejects with what main threw, a failed job's error for one. */
export async function runProgram(run: ProgramRun): Promise<void> {
  const program = await prepareProgram(run.file, run.config)
  for (const warning of program.warnings) run.onWarning(warning)
  const seed = newSeed()
  let executor = executorFor(run, run.config, program, seed)
  const choose = async (config: Config): Promise<Executor> => {
    if (configValue(config, 'execution.local.mode') !== configValue(run.config, 'execution.local.mode')) {
      await executor.close()
      executor = executorFor(run, config, program, seed)
    }
    return tellingExecutor(executor, run)
  }
  const { done } = runMain(program.main, run.args, { config: run.config, executor: choose }, seed)
  try {
    await done
  } finally {
    await executor.close()
  }
}

function executorFor(run: ProgramRun, config: Config, program: PreparedProgram, seed: PlanSeed): LocalExecutor {
  const heapSizeBytes = configValue(config, 'taskmanager.memory.task.heap.size')
  return localExecutor({
    mode: configValue(config, 'execution.local.mode'),
    program: { url: program.url, file: program.file, args: run.args, seed, config: run.config },
    expectedSlots: configValue(config, 'parallelism.default'),
    ...(heapSizeBytes !== undefined && { heapSizeBytes }),
    ...(run.print !== undefined && { print: run.print }),
  })
}

const tellingExecutor = (executor: Executor, run: ProgramRun): Executor => ({
  async submit(job) {
    // Not jobGraph.warnings, which also think of snapshots: `headrace info` shows those.
    for (const warning of job.streamGraph.warnings ?? []) run.onWarning(warning)
    const client = await executor.submit(job)
    run.onJob(client, job.jobGraph)
    return client
  },
})
