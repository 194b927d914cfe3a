/**
 * What a job is at when something happens to it, as seen from outside: by what its tasks say of themselves, and by the files it touches.
 */
import type { RunningSlot } from '../../src/runtime/task/slot.ts'
import type { FileAction } from '../support/faulty-file-system.ts'

export const phases = ['processing', 'aligning', 'firing', 'snapshot', 'upload', 'commit', 'restore'] as const

export type Phase = (typeof phases)[number]

export type PhaseCounts = Record<Phase, number>

export const noCounts = (): PhaseCounts => ({ processing: 0, aligning: 0, firing: 0, snapshot: 0, upload: 0, commit: 0, restore: 0 })

/** What its tasks are at; processing where they are at nothing else. */
export function phasesOfTasks(slots: Iterable<RunningSlot>, isRestored: boolean): Set<Phase> {
  const found = new Set<Phase>()
  let works = false
  for (const slot of slots) {
    for (const { phase, isFiring, isAligning, isTakingSnapshot, isWritingSnapshot } of slot.describe()) {
      if (phase === 'opening' && isRestored) found.add('restore')
      if (isFiring) found.add('firing')
      if (isAligning) found.add('aligning')
      if (isTakingSnapshot) found.add('snapshot')
      if (isWritingSnapshot) found.add('upload')
      if (phase === 'running') works = true
    }
  }
  if (works && found.size === 0) found.add('processing')
  return found
}

/** undefined: a file that tells nothing. */
export function phaseOfFile(action: FileAction, path: string, checkpoints: string): Phase | undefined {
  if (path.startsWith(`${checkpoints}/`)) {
    if (action === 'open' || action === 'read') return 'restore'
    if (action === 'rename') return 'commit'
    if (action === 'create' || action === 'write' || action === 'sync' || action === 'close') return 'upload'
    return undefined
  }
  return action === 'rename' ? 'commit' : undefined
}
