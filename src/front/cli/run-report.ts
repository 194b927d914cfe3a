/**
 * What `headrace run` tells while it runs: to a person (print() lines on stdout, progress and warnings on stderr) or, with
 * --json, to a program: one object a line on stdout, each with an `event`.
 */
import { formatDuration } from '../../base/core/duration.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { JobClient, JobExecutionResult, JobProgress } from '../../program/api/executor.ts'
import { malformedCounter } from '../../program/connector/text-format.ts'
import type { JobGraph } from '../../program/graph/job-graph.ts'
import { ProgressLine, type TerminalStream } from './progress-line.ts'

export interface RunReport {
  submitted(client: JobClient, jobGraph: JobGraph): void
  progress(client: JobClient, progress: JobProgress): void
  print(stream: 'stdout' | 'stderr', line: string): void
  warning(text: string): void
  finished(result: JobExecutionResult): void
  cancelling(): void
  /** Anything else that is about to be written must not end up in the progress line. */
  clear(): void
  /** What the program came to, when it did not finish; true when it has told the error itself. */
  failed(error: unknown, interrupted: boolean): boolean
}

export function personReport(stdout: TerminalStream, stderr: TerminalStream): RunReport {
  const line = new ProgressLine(stderr)
  const tell = (text: string): void => {
    line.clear()
    stderr.write(`${text}\n`)
  }
  return {
    submitted: () => undefined,
    progress: (_client, progress) => line.show(progress),
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
    failed(_error, interrupted) {
      line.clear()
      return interrupted
    },
  }
}

export function machineReport(stdout: TerminalStream): RunReport {
  const say = (event: string, fields: object): void => void stdout.write(`${JSON.stringify({ event, ...fields })}\n`)
  return {
    submitted: ({ jobId }, { jobName, fingerprint, vertices }) =>
      say('submitted', { jobId, jobName, fingerprint, vertices: vertices.map(({ name, parallelism }) => ({ name, parallelism })) }),
    progress: ({ jobId }, progress) => say('progress', { jobId, ...progress }),
    print: (stream, line) => say('print', { stream, line }),
    warning: (text) => say('warning', { text }),
    finished: (result) => say('finished', result),
    cancelling: () => say('cancelling', {}),
    clear: () => undefined,
    failed(error, interrupted) {
      if (interrupted) say('canceled', {})
      else say('failed', { error: StreamError.from(error, 'USER_FUNCTION_FAILED').toWire() })
      return true
    },
  }
}
