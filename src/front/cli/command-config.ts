/**
 * The configuration that a command line asks for: its own defaults, then --checkpoints, -D, and the options that stand for one key, checked.
 */
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { type CheckedConfig, checkConfig } from '../../base/core/config-options.ts'
import { type ParsedOptions, UsageError } from './parse-options.ts'

/** ctrl-C has to be through within a second, whatever user functions do. */
const cancellationTimeoutMs = 600

const checkpointInterval = '10s'

/** `file` is the program, after which a job without a name is called. */
export function commandConfig({ options }: ParsedOptions, file: string): CheckedConfig {
  const config: Record<string, unknown> = {
    'pipeline.name': path.parse(file).name,
    'parallelism.default': availableParallelism(),
    'task.cancellation.timeout': cancellationTimeoutMs,
  }
  const set = (option: string, key: string): void => {
    const value = options.get(option)?.[0]
    if (value !== undefined) config[key] = value
  }
  const checkpoints = options.get('--checkpoints')?.[0]
  if (checkpoints !== undefined) {
    config['execution.checkpointing.dir'] = checkpoints
    config['execution.checkpointing.interval'] = checkpointInterval
    config['execution.checkpointing.externalized-checkpoint-retention'] = 'RETAIN_ON_CANCELLATION'
  }
  for (const pair of options.get('--define') ?? []) {
    const equals = pair.indexOf('=')
    if (equals < 1)
      throw new UsageError(`-D ${pair} has no value`, 'Write -D key=value, for example: -D execution.buffer-timeout.interval=5ms')
    config[pair.slice(0, equals).trim()] = pair.slice(equals + 1)
  }
  set('--parallelism', 'parallelism.default')
  set('--mode', 'execution.local.mode')
  set('--from', 'execution.state-recovery.path')
  if (options.has('--allow-left-over')) config['execution.state-recovery.ignore-unclaimed-state'] = true
  if (config['execution.state-recovery.path'] === 'latest' && config['execution.checkpointing.dir'] === undefined)
    throw new UsageError(
      '--from latest needs the folder of the checkpoints',
      'Add --checkpoints DIR, or give --from the path of one snapshot.',
    )
  return checkConfig(config)
}

/** The one program that is named; more or fewer are refused. */
export function onlyProgram({ operands }: ParsedOptions, command: string): string {
  const [file, ...more] = operands
  if (file === undefined) throw new UsageError(`headrace ${command} needs a program`, `For example: headrace ${command} program.ts`)
  if (more.length > 0)
    throw new UsageError(
      `headrace ${command} takes one program, and ${more.join(' ')} follows ${file}`,
      `Arguments of the program go after --: headrace ${command} ${file} -- ${more.join(' ')}`,
    )
  return file
}
