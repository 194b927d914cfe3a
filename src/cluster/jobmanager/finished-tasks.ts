/**
 * What checkpoints must heed once tasks of a job have finished. Pure.
 */
import { StreamError } from '../../base/core/stream-error.ts'
import type { SubtaskSnapshot } from '../../runtime/checkpoint/checkpoint-metadata.ts'
import type { TaskId } from './pending-checkpoint.ts'

/**
 * Union state of an operator of which some subtasks have finished and others have not: the finished ones' part would be taken
 * for all there is to be read, or be read again. No checkpoint can stand for that. undefined: there is none.
 */
export function mixedUnionState(snapshots: ReadonlyMap<TaskId, SubtaskSnapshot>): StreamError | undefined {
  const finished = new Map<string, Set<boolean>>()
  for (const [task, snapshot] of snapshots) {
    const vertex = vertexOf(task)
    finished.set(vertex, (finished.get(vertex) ?? new Set()).add(snapshot.finished))
  }
  for (const [task, { operators }] of snapshots) {
    if (finished.get(vertexOf(task))!.size < 2) continue
    const state = operators.flatMap(({ states }) => states).find(({ scope }) => scope === 'union')
    if (state === undefined) continue
    return new StreamError(
      'CHECKPOINT_DECLINED',
      `Union state '${state.name}' belongs to tasks of which some have finished and some have not`,
      {
        hint: 'Checkpoints go on when all subtasks of the operator have finished.',
      },
    )
  }
  return undefined
}

const vertexOf = (task: TaskId): string => task.slice(0, task.indexOf('/'))
