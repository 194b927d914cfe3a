/**
 * Errors of a job, with the job in their place, and the one for a slot whose thread is gone. Pure.
 */
import { StreamError, type StreamErrorOptions } from '../../base/core/stream-error.ts'
import type { JobGraph } from '../../program/graph/job-graph.ts'
import { slotsOfGroups } from '../../runtime/task/slot-sharing.ts'

export function placedIn(job: string, error: StreamError): StreamError {
  return error.place.job === undefined ? changed(error, { place: { job, ...error.place } }) : error
}

/** `reason`: that of the restart strategy. */
export function notRestarted(error: StreamError, reason: string | undefined): StreamError {
  if (reason === undefined) return error
  const said = `Not restarted: ${reason}.`
  return changed(error, { hint: error.hint === undefined ? said : `${error.hint}\n${said}` })
}

function changed(error: StreamError, change: Pick<StreamErrorOptions, 'hint' | 'place'>): StreamError {
  const { code, message, hint, domain, retry, place, cause, stack } = error
  const copy = new StreamError(code, message, { hint, domain, retry, place, cause, ...change })
  if (stack !== undefined) copy.stack = stack
  return copy
}

export function lostSlot(jobGraph: JobGraph, slot: number, cause: unknown): StreamError {
  const groups = slotsOfGroups(jobGraph)
  const tasks = jobGraph.vertices.flatMap(({ name, parallelism, slotSharingGroup }) => {
    const subtask = slot - groups.get(slotSharingGroup)!.first
    return subtask >= 0 && subtask < parallelism ? [`${name} (${subtask + 1}/${parallelism})`] : []
  })
  const { what, hint } = lossOf(`slot ${slot} of job '${jobGraph.jobName}'`, cause)
  return new StreamError('TASK_LOST', `${what}. It ran ${tasks.join(', ')}`, { hint, place: { job: jobGraph.jobName }, cause })
}

function lossOf(slot: string, cause: unknown): { readonly what: string; readonly hint: string | undefined } {
  const code = (cause as { code?: unknown } | undefined)?.code
  const ended = `The thread of ${slot} ended unexpectedly:`
  if (code === 'ERR_WORKER_OUT_OF_MEMORY' || code === 'OUT_OF_MEMORY') {
    const hint =
      'Raise taskmanager.memory.task.heap.size, or keep less in user functions; state that is declared does not count against it.'
    return { what: `${ended} it ran out of heap memory`, hint }
  }
  // More is gone than a thread, and whoever knows has said what.
  if (cause instanceof StreamError && code === 'TASK_LOST' && cause.hint !== undefined) {
    return { what: `S${slot.slice(1)} was lost: ${cause.message}`, hint: cause.hint }
  }
  return {
    what: `${ended} ${cause instanceof Error ? cause.message : String(cause)}`,
    hint: 'A user function that calls process.exit(), or throws outside of its call (in a timer, in a promise), ends the thread.',
  }
}
