/**
 * A job's checkpoints as Flink's bodies have them. What the engine does not measure (bytes processed during alignment, bytes persisted
 * of data in flight: there is none) is 0, as where Flink's checkpoints are aligned. Pure.
 */
import { type Config, configValue } from '../../base/core/config-options.ts'
import type { ArchivedCheckpoints, ArchivedJob, CheckpointDetails, CheckpointTask } from '../../cluster/rpc/job-archive.ts'
import { errorClass } from './failure-cause.ts'
import { summaryOf } from './number-summary.ts'

const statusOf = { inProgress: 'IN_PROGRESS', completed: 'COMPLETED', failed: 'FAILED' } as const
const classNameOf = { inProgress: 'in_progress', completed: 'completed', failed: 'failed' } as const

export function checkpointingStatistics({ checkpoints }: ArchivedJob, nowMs: number): unknown {
  const { counts, summary, history, latestCompleted, latestSavepoint, latestFailed, restored } = checkpoints
  const nothing = summaryOf(summary.durationMs.map(() => 0))
  const shown = (details: CheckpointDetails | undefined) => (details === undefined ? null : checkpointLine(details, nowMs))
  return {
    counts: {
      restored: counts.restored,
      total: counts.total,
      in_progress: counts.inProgress,
      completed: counts.completed,
      failed: counts.failed,
    },
    summary: {
      ...{ checkpointed_size: summaryOf(summary.sizeBytes), state_size: summaryOf(summary.sizeBytes) },
      ...{
        end_to_end_duration: summaryOf(summary.durationMs),
        alignment_buffered: nothing,
        processed_data: nothing,
        persisted_data: nothing,
      },
    },
    latest: {
      ...{ completed: shown(latestCompleted), savepoint: shown(latestSavepoint), failed: shown(latestFailed) },
      restored: restoredOf(restored),
    },
    history: [...history].reverse().map((details) => checkpointLine(details, nowMs)),
  }
}

function restoredOf(restored: ArchivedCheckpoints['restored']): unknown {
  if (restored === undefined) return null
  const { checkpointId, kind, path, restoredMs } = restored
  return { id: checkpointId, restore_timestamp: restoredMs, is_savepoint: kind === 'savepoint', external_path: path }
}

/** `tasks` is empty in lists. */
function checkpointLine(details: CheckpointDetails, nowMs: number, tasks: unknown = {}): Record<string, unknown> {
  const { checkpointId, kind, stops, status, triggeredMs, endedMs, path, sizeBytes, discarded, error } = details
  const isSavepoint = kind === 'savepoint'
  return {
    ...{ className: classNameOf[status], id: checkpointId, status: statusOf[status], is_savepoint: isSavepoint },
    savepointFormat: isSavepoint ? 'CANONICAL' : null,
    ...{ trigger_timestamp: triggeredMs, ...acknowledgements(details.tasks), state_size: sizeBytesOf(details) },
    ...{ checkpointed_size: sizeBytesOf(details), end_to_end_duration: (endedMs ?? nowMs) - triggeredMs },
    ...{ alignment_buffered: 0, processed_data: 0, persisted_data: 0 },
    ...{ tasks, checkpoint_type: !isSavepoint ? 'CHECKPOINT' : stops ? 'SYNC_SAVEPOINT' : 'SAVEPOINT' },
    ...(status === 'completed' && { external_path: path, discarded, checkpointed_size: sizeBytes, state_size: sizeBytes }),
    ...(status === 'failed' && {
      failure_timestamp: endedMs,
      failure_message: error === undefined ? null : `${errorClass(error)}: ${error.message}`,
    }),
  }
}

const sizeBytesOf = ({ sizeBytes, tasks }: CheckpointDetails): number =>
  sizeBytes > 0 ? sizeBytes : tasks.reduce((sum, task) => sum + taskBytes(task), 0)

const taskBytes = ({ acknowledged }: CheckpointTask): number => acknowledged.reduce((sum, each) => sum + each.sizeBytes, 0)

function acknowledgements(tasks: readonly CheckpointTask[]): Record<string, number> {
  const all = tasks.flatMap(({ acknowledged }) => acknowledged)
  return {
    latest_ack_timestamp: all.reduce((latest, { acknowledgedMs }) => Math.max(latest, acknowledgedMs), -1),
    num_subtasks: tasks.reduce((sum, { parallelism }) => sum + parallelism, 0),
    num_acknowledged_subtasks: all.length,
  }
}

export function checkpointDetails({ jobGraph }: ArchivedJob, details: CheckpointDetails, nowMs: number): unknown {
  const tasks = details.tasks.map((task) => [jobGraph.vertices[task.vertex]!.vertexId, taskLine(details, task)] as const)
  return checkpointLine(details, nowMs, Object.fromEntries(tasks))
}

function taskLine({ checkpointId, status, triggeredMs }: CheckpointDetails, task: CheckpointTask): Record<string, unknown> {
  const acknowledged = acknowledgements([task])
  const latest = acknowledged.latest_ack_timestamp!
  const isComplete = task.acknowledged.length === task.parallelism
  return {
    ...{ id: checkpointId, status: isComplete ? 'COMPLETED' : statusOf[status], ...acknowledged },
    ...{ checkpointed_size: taskBytes(task), state_size: taskBytes(task), end_to_end_duration: latest === -1 ? -1 : latest - triggeredMs },
    ...{ alignment_buffered: 0, processed_data: 0, persisted_data: 0 },
  }
}

export function checkpointSubtasks(details: CheckpointDetails, task: CheckpointTask): unknown {
  const { acknowledged, parallelism } = task
  const durations = acknowledged.map(({ acknowledgedMs }) => acknowledgedMs - details.triggeredMs)
  const sizes = summaryOf(acknowledged.map(({ sizeBytes }) => sizeBytes))
  const nothing = summaryOf(acknowledged.map(() => 0))
  const subtasks = Array.from({ length: parallelism }, (_, index) => {
    const found = acknowledged.find(({ subtask }) => subtask === index)
    return found === undefined ? { className: 'pending', index, status: 'pending_or_failed' } : completedSubtask(details, found)
  })
  return {
    ...taskLine(details, task),
    summary: {
      ...{ checkpointed_size: sizes, state_size: sizes, end_to_end_duration: summaryOf(durations) },
      checkpoint_duration: {
        sync: summaryOf(acknowledged.map(({ prepareMs, syncMs }) => prepareMs + syncMs)),
        async: summaryOf(acknowledged.map(({ asyncMs }) => asyncMs)),
      },
      alignment: {
        buffered: nothing,
        processed: nothing,
        persisted: nothing,
        duration: summaryOf(acknowledged.map((one) => one.alignmentMs)),
      },
      start_delay: summaryOf(acknowledged.map((one) => startDelay(details, one))),
    },
    subtasks,
  }
}

type Acknowledged = CheckpointTask['acknowledged'][number]

/** From the trigger to the first barrier: what is left of the whole when all else is taken off. */
const startDelay = (
  { triggeredMs }: CheckpointDetails,
  { acknowledgedMs, alignmentMs, prepareMs, syncMs, asyncMs }: Acknowledged,
): number => Math.max(0, Math.round(acknowledgedMs - triggeredMs - alignmentMs - prepareMs - syncMs - asyncMs))

function completedSubtask(details: CheckpointDetails, one: Acknowledged): unknown {
  const { subtask, acknowledgedMs, sizeBytes, prepareMs, syncMs, asyncMs, alignmentMs } = one
  return {
    ...{ className: 'completed', index: subtask, status: 'completed', ack_timestamp: acknowledgedMs },
    ...{ end_to_end_duration: acknowledgedMs - details.triggeredMs, checkpointed_size: sizeBytes, state_size: sizeBytes },
    checkpoint: { sync: Math.round(prepareMs + syncMs), async: Math.round(asyncMs) },
    alignment: { buffered: 0, processed: 0, persisted: 0, duration: Math.round(alignmentMs) },
    ...{ start_delay: startDelay(details, one), unaligned_checkpoint: false, aborted: false },
  }
}

/** Flink's largest long stands for "never". */
const never = Number.MAX_SAFE_INTEGER

export function checkpointConfig(config: Config): unknown {
  const retention = configValue(config, 'execution.checkpointing.externalized-checkpoint-retention')
  const mode = configValue(config, 'execution.checkpointing.mode')
  return {
    mode: mode.toLowerCase(),
    interval: configValue(config, 'execution.checkpointing.interval') ?? never,
    timeout: configValue(config, 'execution.checkpointing.timeout'),
    min_pause: configValue(config, 'execution.checkpointing.min-pause'),
    max_concurrent: configValue(config, 'execution.checkpointing.max-concurrent-checkpoints'),
    externalization: {
      enabled: retention !== 'NO_EXTERNALIZED_CHECKPOINTS',
      delete_on_cancellation: retention !== 'RETAIN_ON_CANCELLATION',
    },
    state_backend: 'hashmap',
    checkpoint_storage: 'filesystem',
    unaligned_checkpoints: false,
    tolerable_failed_checkpoints: configValue(config, 'execution.checkpointing.tolerable-failed-checkpoints'),
    aligned_checkpoint_timeout: configValue(config, 'execution.checkpointing.aligned-checkpoint-timeout'),
    checkpoints_after_tasks_finish: configValue(config, 'execution.checkpointing.checkpoints-after-tasks-finish'),
    state_changelog_enabled: false,
    changelog_periodic_materialization_interval: 0,
    changelog_storage: '',
  }
}
