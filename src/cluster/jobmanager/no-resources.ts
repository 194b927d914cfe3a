/**
 * The error of a job that did not get its slots in time. Pure.
 */
import { formatDuration } from '../../base/core/duration.ts'
import { StreamError } from '../../base/core/stream-error.ts'

export interface WantingSlots {
  readonly jobName: string
  readonly timeoutMs: number
  /** How many slots the job takes altogether. */
  readonly needed: number
  /** How many were offered to it. */
  readonly held: number
  /** Of those that this deployment takes. */
  readonly waitingFor: number
  readonly free: number
  /** What the ResourceManager says there is for the job; absent: it did not say that it does not suffice. */
  readonly available: number | undefined
  readonly isRegistered: boolean
}

export function noResources(wanting: WantingSlots): StreamError {
  const { jobName, timeoutMs, needed, held, waitingFor, free, available, isRegistered } = wanting
  const got = `waited ${formatDuration(timeoutMs)} for ${waitingFor} free slots and has ${free}`
  const why = !isRegistered
    ? 'the ResourceManager cannot be reached'
    : available === undefined
      ? `it takes ${needed} slots altogether and was offered ${held}`
      : `it takes ${needed} slots altogether and the cluster has ${available} for it`
  const hint = isRegistered
    ? 'Start more TaskManagers, give them more slots (taskmanager.numberOfTaskSlots), wait for other jobs to end, or run this one with a lower parallelism. slot.request.timeout says how long a job waits.'
    : 'See the log of the JobManager.'
  return new StreamError('NO_RESOURCES', `Job '${jobName}' ${got}: ${why}`, { hint, place: { job: jobName } })
}
