/**
 * What `headrace run` tells while it runs: to a person (print() lines on stdout, progress and warnings on stderr) or, with
 * --json, to a program: one object a line on stdout, each with an `event`.
 */
import { formatDuration } from '../../base/core/duration.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { CheckpointReport, JobClient, JobEvent, JobExecutionResult, JobProgress } from '../../program/api/executor.ts'
import { malformedCounter } from '../../program/connector/text-format.ts'
import type { JobGraph } from '../../program/graph/job-graph.ts'
import { beginningText, droppedTexts, eventText, type KeptCheckpoint, keptText } from './checkpoint-text.ts'
import { ProgressLine, type TerminalStream } from './progress-line.ts'

export interface RunReport {
  submitted(client: JobClient, jobGraph: JobGraph): void
  progress(client: JobClient, progress: JobProgress): void
  /** A restart, the end of a checkpoint. */
  event(client: JobClient, jobName: string, event: JobEvent): void
  print(stream: 'stdout' | 'stderr', line: string): void
  warning(text: string): void
  finished(result: JobExecutionResult): void
  cancelling(): void
  /** Anything else that is about to be written must not end up in the progress line. */
  clear(): void
  /** What the program came to, when it did not finish, and what its jobs left to go on from; true when it has told the error itself. */
  failed(error: unknown, interrupted: boolean, kept: readonly KeptCheckpoint[]): boolean
}

/** `now` is the wall clock, ms since the epoch; `goOn` the command that goes on from a snapshot's path. */
export function personReport(stdout: TerminalStream, stderr: TerminalStream, now: () => number, goOn: (path: string) => string): RunReport {
  const line = new ProgressLine(stderr)
  const tell = (text: string): void => {
    line.clear()
    stderr.write(`${text}\n`)
  }
  return {
    submitted(client, { jobName, config }) {
      const text = beginningText(jobName, config, client.restoredFrom)
      if (text !== undefined) tell(text)
      for (const dropped of droppedTexts(jobName, client.restoredFrom)) tell(dropped)
    },
    progress: ({ status, checkpoints }, progress) => line.show({ ...progress, status, ...lastCheckpoint(checkpoints, now()) }),
    event(_client, jobName, event) {
      const text = eventText(jobName, event)
      if (text !== undefined) tell(text)
    },
    print(stream, text) {
      line.clear()
      ;(stream === 'stdout' ? stdout : stderr).write(`${text}\n`)
    },
    warning: (text) => tell(`headrace: warning: ${text}`),
    finished(result) {
      line.clear()
      const skipped = result.counters[malformedCounter] ?? 0
      if (skipped > 0)
        tell(
          `headrace: warning: ${result.jobName} left out ${skipped.toLocaleString('en-US')} malformed ${skipped === 1 ? 'record' : 'records'} of its input`,
        )
      if (stderr.isTTY === true) stderr.write(`${result.jobName}: finished in ${formatDuration(result.netRuntimeMs)}\n`)
    },
    cancelling: () => tell('headrace: cancelling; ctrl-C again stops at once'),
    clear: () => line.clear(),
    failed(_error, interrupted, kept) {
      line.clear()
      for (const each of kept) tell(keptText(each, kept.length > 1, goOn))
      return interrupted
    },
  }
}

export function machineReport(stdout: TerminalStream): RunReport {
  const say = (event: string, fields: object): void => void stdout.write(`${JSON.stringify({ event, ...fields })}\n`)
  return {
    submitted: ({ jobId, restoredFrom }, { jobName, fingerprint, vertices }) =>
      say('submitted', {
        ...{ jobId, jobName, fingerprint, restoredFrom },
        vertices: vertices.map(({ name, parallelism }) => ({ name, parallelism })),
      }),
    event: ({ jobId }, _jobName, { on, ...event }) => {
      if ('checkpoint' in event) say('checkpoint', { jobId, ...event.checkpoint, error: event.checkpoint.error?.toWire() })
      else if ('cause' in event) say('restarting', { jobId, ...event, cause: event.cause.toWire() })
      else if ('error' in event) say('warning', { jobId, text: `${event.path} could not be removed: ${event.error.message}` })
      else say(on, { jobId, ...event })
    },
    progress: ({ jobId }, progress) => say('progress', { jobId, ...progress }),
    print: (stream, line) => say('print', { stream, line }),
    warning: (text) => say('warning', { text }),
    finished: (result) => say('finished', result),
    cancelling: () => say('cancelling', {}),
    clear: () => undefined,
    failed(error, interrupted, kept) {
      const checkpoints = kept.length > 0 && { checkpoints: kept }
      if (interrupted) say('canceled', { ...checkpoints })
      else say('failed', { error: StreamError.from(error, 'USER_FUNCTION_FAILED').toWire(), ...checkpoints })
      return true
    },
  }
}

/** The newest one that is complete, and how old it is. */
function lastCheckpoint(checkpoints: readonly CheckpointReport[], nowMs: number) {
  const last = checkpoints.findLast(({ status, kind }) => status === 'completed' && kind === 'checkpoint')
  if (last === undefined) return undefined
  return { checkpoint: { checkpointId: last.checkpointId, ageMs: Math.max(0, nowMs - last.triggeredMs - last.durationMs) } }
}
