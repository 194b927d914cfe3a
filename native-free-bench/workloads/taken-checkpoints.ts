/**
 * What a program says of the checkpoints that its job took. The newest from the midst of the job is kept under another name (links to
 * its files), since a job that has finished leaves none.
 */
import { linkSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import type { CheckpointReport, JobClient } from 'headrace'

export interface TakenCheckpoints {
  readonly failed: number
  readonly completed: readonly TakenCheckpoint[]
  /** Folder of the one that is kept; absent: none was taken before the first task had ended. */
  readonly kept?: string
}

/** sync: the longest time in which a task took no input for it; async: from there until the slowest task's files were written. */
export type TakenCheckpoint = Pick<CheckpointReport, 'durationMs' | 'alignmentMs' | 'syncMs' | 'asyncMs' | 'sizeBytes'>

/** Answers what there was when it is called. */
export function watchCheckpoints(job: JobClient, keptIn: string): () => TakenCheckpoints {
  const completed: TakenCheckpoint[] = []
  let failed = 0
  let kept: string | undefined
  job.onEvent((event) => {
    if (event.on === 'checkpointFailed') failed++
    if (event.on !== 'checkpointCompleted') return
    const { durationMs, alignmentMs, syncMs, asyncMs, sizeBytes, path: folder } = event.checkpoint
    completed.push({ durationMs, alignmentMs, syncMs, asyncMs, sizeBytes })
    if (/"finished":\s*true/.test(readFileSync(path.join(folder, '_metadata.json'), 'utf8'))) return
    const next = path.join(keptIn, job.jobId, path.basename(folder))
    mkdirSync(next, { recursive: true })
    for (const name of readdirSync(folder)) linkSync(path.join(folder, name), path.join(next, name))
    if (kept !== undefined) rmSync(kept, { recursive: true })
    kept = next
  })
  return () => ({ failed, completed, ...(kept !== undefined && { kept }) })
}
