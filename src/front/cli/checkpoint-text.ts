/**
 * What `headrace run` says to a person of checkpoints and restarts: where a job begins, what became of it, and what it left behind.
 */
import { type Config, configValue } from '../../base/core/config-options.ts'
import { formatDuration } from '../../base/core/duration.ts'
import type { JobEvent, RestoredFrom } from '../../program/api/executor.ts'

/** A snapshot that stays when a job has ended without having finished. */
export interface KeptCheckpoint {
  readonly jobName: string
  readonly checkpointId: number
  readonly path: string
}

/** undefined: nobody asked for it to begin anywhere else than at the beginning. */
export function beginningText(jobName: string, config: Config, from: RestoredFrom | undefined): string | undefined {
  if (from !== undefined)
    return `headrace: '${jobName}' goes on from ${from.kind} ${from.checkpointId} of ${new Date(from.completedMs).toISOString()}, ${from.path}`
  if (configValue(config, 'execution.state-recovery.path') === undefined) return undefined
  return `headrace: '${jobName}' begins at the beginning: there is no checkpoint of it in ${configValue(config, 'execution.checkpointing.dir')}`
}

/** What of the snapshot is not taken over, a line each. */
export function droppedTexts(jobName: string, from: RestoredFrom | undefined): readonly string[] {
  return (from?.dropped ?? []).map(
    ({ operator, state }) =>
      `headrace: warning: state '${state}' of operator '${operator}' is dropped: '${jobName}' does not declare it any more`,
  )
}

/** undefined: nothing that a person has to know. A checkpoint that was only called off is nothing. */
export function eventText(jobName: string, event: JobEvent): string | undefined {
  switch (event.on) {
    case 'restarting': {
      const { delayMs, cause, checkpointId } = event
      const from = checkpointId === undefined ? 'the beginning' : `checkpoint ${checkpointId}`
      return `headrace: restarting '${jobName}' from ${from} in ${formatDelay(delayMs)} after: ${firstLine(cause.message)}`
    }
    case 'checkpointFailed': {
      const { checkpointId, kind, error } = event.checkpoint
      if (error?.code === 'CHECKPOINT_DECLINED' || error?.code === 'CANCELLED') return undefined
      return `headrace: warning: ${kind} ${checkpointId} of '${jobName}' failed: ${firstLine(error?.message ?? 'unknown')}`
    }
    case 'cleanupFailed':
      return `headrace: warning: ${event.path} is needed no more and could not be removed: ${firstLine(event.error.message)}`
    default:
      return undefined
  }
}

/** `goOn` gives the command that goes on from a path. */
export function keptText({ jobName, path }: KeptCheckpoint, named: boolean, goOn: (path: string) => string): string {
  const whose = named ? ` of '${jobName}'` : ''
  return `headrace: the last checkpoint${whose} is kept in ${path}; go on with:\n  ${goOn(path)}`
}

const firstLine = (text: string): string => text.split('\n')[0]!

/** Always in seconds: "1.0 s". */
const formatDelay = (ms: number): string => (ms < 59_950 ? `${(ms / 1000).toFixed(1)} s` : formatDuration(ms))
