/**
 * Which environment getEnvironment() gives: that of whoever runs the program at this moment, else a new one that runs
 * jobs in this process. The one place of the program floor that keeps something between calls.
 */
import type { Config, ConfigInput } from '../../base/core/config-options.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import { Environment } from './environment.ts'
import type { Executor } from './executor.ts'

let current: Environment | undefined
let local: ((config: Config) => Promise<Executor>) | undefined

/** index.ts says how jobs run in a program that nobody runs. */
export function wireLocalExecutor(executor: (config: Config) => Promise<Executor>): void {
  local = executor
}

/** Makes an environment the current one until the returned function is called. */
export function enterEnvironment(env: Environment): () => void {
  const before = current
  current = env
  return () => {
    if (current === env) current = before
  }
}

/**
 * The environment of the running program. Under `headrace run` and in tests it is the runner's; a script started by
 * node gets one that runs jobs in its own process.
 *
 * ```ts
 * import { getEnvironment } from 'headrace'
 *
 * const env = getEnvironment({ 'parallelism.default': 2 })
 * env.fromSequence(1, 10).print()
 * await env.execute()
 * ```
 */
export function getEnvironment(config: ConfigInput = {}): Environment {
  const env = current ?? new Environment({ executor: localExecutor })
  return env.configure(config)
}

async function localExecutor(config: Config): Promise<Executor> {
  if (local !== undefined) return local(config)
  throw new StreamError('INTERNAL', 'This environment has no executor', { hint: "Import getEnvironment from 'headrace'." })
}
