/**
 * What a configuration says about checkpoints, read once. Pure.
 */
import { type Config, type ConfigValue, configValue } from '../../base/core/config-options.ts'

export interface CheckpointSettings {
  /** undefined: the job takes no checkpoints of itself. */
  readonly intervalMs: number | undefined
  readonly mode: ConfigValue<'execution.checkpointing.mode'>
  readonly timeoutMs: number
  readonly minPauseMs: number
  readonly maxConcurrent: number
  /** Failed checkpoints in a row that do not fail the job. */
  readonly tolerableFailures: number
  readonly numRetained: number
  readonly retention: ConfigValue<'execution.checkpointing.externalized-checkpoint-retention'>
  readonly afterTasksFinish: boolean
}

export function checkpointSettingsOf(config: Config): CheckpointSettings {
  const minPauseMs = configValue(config, 'execution.checkpointing.min-pause')
  return {
    intervalMs: configValue(config, 'execution.checkpointing.interval'),
    mode: configValue(config, 'execution.checkpointing.mode'),
    timeoutMs: configValue(config, 'execution.checkpointing.timeout'),
    minPauseMs,
    // A pause between the end of one and the begin of the next leaves no room for two.
    maxConcurrent: minPauseMs > 0 ? 1 : configValue(config, 'execution.checkpointing.max-concurrent-checkpoints'),
    tolerableFailures: configValue(config, 'execution.checkpointing.tolerable-failed-checkpoints'),
    numRetained: configValue(config, 'execution.checkpointing.num-retained'),
    retention: configValue(config, 'execution.checkpointing.externalized-checkpoint-retention'),
    afterTasksFinish: configValue(config, 'execution.checkpointing.checkpoints-after-tasks-finish'),
  }
}

/** Whether the job's latest checkpoints stay when it ends so. */
export function retains(retention: CheckpointSettings['retention'], end: 'FINISHED' | 'CANCELED' | 'FAILED'): boolean {
  if (end === 'FINISHED') return false
  return retention === 'RETAIN_ON_CANCELLATION' || (retention === 'DELETE_ON_CANCELLATION' && end === 'FAILED')
}
