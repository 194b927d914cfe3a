/**
 * How a program says what checkpoints its jobs take, and the configuration that it stands for.
 */
import { checkOneOf, checkOptionNames } from '../../base/core/check-options.ts'
import type { Config } from '../../base/core/config-options.ts'
import type { Duration } from './durations.ts'

export interface CheckpointOptions {
  /** Default: exactlyOnce. atLeastOnce aligns nothing: rows between two barriers may count twice after a restart, and latency is lower. */
  readonly mode?: 'exactlyOnce' | 'atLeastOnce'
  /** Folder of the checkpoints. Absent: a temporary one, which goes with the job. */
  readonly dir?: string
  /** A checkpoint that takes longer is given up. Default: 10 min. */
  readonly timeout?: Duration
  /** Least time between the end of a checkpoint and the next. Default: 0. */
  readonly minPause?: Duration
  /** Checkpoints in flight at a time. Default: 1. */
  readonly maxConcurrent?: number
  /** Failed checkpoints in a row that do not fail the job. Default: 0. */
  readonly tolerableFailures?: number
  /** Completed checkpoints kept. Default: 1. */
  readonly numRetained?: number
  /** What stays when the job is cancelled or fails. Default: none. deleteOnCancellation: after a failure only. */
  readonly retention?: 'none' | 'retainOnCancellation' | 'deleteOnCancellation'
}

const modes = { exactlyOnce: 'EXACTLY_ONCE', atLeastOnce: 'AT_LEAST_ONCE' } as const
const retentions = {
  none: 'NO_EXTERNALIZED_CHECKPOINTS',
  retainOnCancellation: 'RETAIN_ON_CANCELLATION',
  deleteOnCancellation: 'DELETE_ON_CANCELLATION',
} as const

const keys = {
  mode: 'execution.checkpointing.mode',
  dir: 'execution.checkpointing.dir',
  timeout: 'execution.checkpointing.timeout',
  minPause: 'execution.checkpointing.min-pause',
  maxConcurrent: 'execution.checkpointing.max-concurrent-checkpoints',
  tolerableFailures: 'execution.checkpointing.tolerable-failed-checkpoints',
  numRetained: 'execution.checkpointing.num-retained',
  retention: 'execution.checkpointing.externalized-checkpoint-retention',
} as const satisfies Record<keyof CheckpointOptions, string>

/** `interval`: ms, or Flink's text form. Other values are checked where the configuration is. Throws INVALID_ARGUMENT for an option, or a word, that there is not. */
export function checkpointConfig(interval: Duration | string, options: CheckpointOptions): Config {
  checkOptionNames('enableCheckpointing()', options, Object.keys(keys))
  checkOneOf('enableCheckpointing()', 'mode', options.mode, Object.keys(modes))
  checkOneOf('enableCheckpointing()', 'retention', options.retention, Object.keys(retentions))
  const { mode, retention } = options
  const config: Record<string, unknown> = { 'execution.checkpointing.interval': interval }
  for (const [name, key] of Object.entries(keys)) config[key] = options[name as keyof CheckpointOptions]
  if (mode !== undefined) config[keys.mode] = modes[mode]
  if (retention !== undefined) config[keys.retention] = retentions[retention]
  return config
}
