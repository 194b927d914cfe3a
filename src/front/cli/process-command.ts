/**
 * `headrace jobmanager` and `headrace taskmanager`: a process of a cluster in the foreground, until a signal or the cluster ends it.
 */
import { clusterConfig } from '../entrypoint/cluster-config.ts'
import { definesOf } from './define-options.ts'
import { type ExitCode, exitCode } from './exit-code.ts'
import { type ParsedOptions, UsageError } from './parse-options.ts'

export async function processCommand(name: 'jobmanager' | 'taskmanager', parsed: ParsedOptions): Promise<ExitCode> {
  if (parsed.operands.length > 0) throw new UsageError(`headrace ${name} takes no ${parsed.operands.join(' ')}`)
  const { config, warnings } = clusterConfig(parsed.options.get('--config')?.[0], definesOf(parsed))
  for (const warning of warnings) process.stderr.write(`headrace: warning: ${warning}\n`)
  const started =
    name === 'jobmanager'
      ? await (await import('../entrypoint/jobmanager-process.ts')).startJobManager(config)
      : await (await import('../entrypoint/taskmanager-process.ts')).startTaskManager(config)
  process.stdout.write(`${started.greeting}\n`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => started.shutDown(`it was told to end by ${signal}`))
  await started.ended
  return exitCode.ok
}
