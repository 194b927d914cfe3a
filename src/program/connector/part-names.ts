/**
 * The names of a folder's parts and of files in progress, and what they say. With checkpointing, and in a job that goes on from a
 * snapshot, a part's name is never used twice, by any attempt of any job: `part-<subtask>-<hash of job, operator and attempt>-<n>`.
 * Else a run replaces the parts of the run before: `part-<subtask>-<n>`. The owner in the hidden name of a file in progress says who began it, so that a later
 * attempt of the same job can tell what no snapshot knows.
 */
import { murmur3String } from '../../base/core/hash.ts'
import { inProgressOwner } from '../../base/filesystem/recoverable-file.ts'
import type { RuntimeContext } from '../function/runtime-context.ts'

/** Who writes: one attempt of one subtask of a sink. */
export interface PartWriter {
  readonly jobId: string
  /** Hash of the operator's id. */
  readonly operator: string
  readonly attempt: number
  readonly subtask: number
}

const hex8 = (text: string): string => (murmur3String(text) >>> 0).toString(16).padStart(8, '0')

export function partWriter({ jobId, operatorId, attemptNumber, subtaskIndex }: RuntimeContext): PartWriter {
  return { jobId, operator: hex8(operatorId), attempt: attemptNumber, subtask: subtaskIndex }
}

/** Whether what is published stays: a run that goes on from a snapshot adds to what the one before has published. */
export const keepsParts = ({ checkpointing, restoredCheckpointId }: RuntimeContext): boolean =>
  checkpointing || restoredCheckpointId !== undefined

export function partName({ jobId, operator, attempt, subtask }: PartWriter, n: number, keeps: boolean): string {
  return keeps ? `${subtask}-${hex8(`${jobId}/${operator}/${attempt}`)}-${n}` : `${subtask}-${n}`
}

/** Where parts are replaced nobody asks later. */
export function ownerOf({ jobId, operator, attempt, subtask }: PartWriter, n: number, keeps: boolean): string {
  return keeps ? `${jobId}-${attempt}-${operator}-${subtask}-${n}` : `${jobId}-${attempt}`
}

/** Of a file in progress with checkpointing. */
export function begunBy(path: string): (PartWriter & { readonly n: number }) | undefined {
  const match = /^(.+)-(\d+)-([0-9a-f]{8})-(\d+)-(\d+)$/.exec(inProgressOwner(path) ?? '')
  if (match === null) return undefined
  const [, jobId, attempt, operator, subtask, n] = match as unknown as [string, string, string, string, string, string]
  return { jobId, attempt: Number(attempt), operator, subtask: Number(subtask), n: Number(n) }
}
