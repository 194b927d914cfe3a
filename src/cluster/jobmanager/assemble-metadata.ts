/**
 * What the tasks of a job acknowledged, as the metadata of a checkpoint. Pure.
 */
import type { JobGraph } from '../../program/graph/job-graph.ts'
import {
  type CheckpointMetadata,
  checkpointFormat,
  checkpointVersion,
  type OperatorMetadata,
  type StateTable,
  type SubtaskSnapshot,
} from '../../runtime/checkpoint/checkpoint-metadata.ts'
import type { TaskId } from './pending-checkpoint.ts'

export interface CheckpointParts
  extends Pick<CheckpointMetadata, 'kind' | 'checkpointId' | 'jobId' | 'triggeredMs' | 'completedMs' | 'directory'> {
  readonly headrace: string
  readonly jobGraph: JobGraph
  /** Of every task. */
  readonly snapshots: ReadonlyMap<TaskId, SubtaskSnapshot>
  /** By vertex. */
  readonly enumerators: ReadonlyMap<number, StateTable>
}

export function assembleMetadata({ jobGraph, snapshots, enumerators, ...parts }: CheckpointParts): CheckpointMetadata {
  return {
    format: checkpointFormat,
    version: checkpointVersion,
    ...parts,
    jobName: jobGraph.jobName,
    operators: jobGraph.vertices.flatMap((vertex) =>
      vertex.operators.map(({ operatorId, uid, name, kind }): OperatorMetadata => {
        const enumerator = kind === 'source' ? enumerators.get(vertex.id) : undefined
        return {
          ...{ operatorId, name, kind, parallelism: vertex.parallelism, maxParallelism: vertex.maxParallelism },
          ...(uid !== undefined && { uid }),
          subtasks: Array.from({ length: vertex.parallelism }, (_, subtask) => {
            const snapshot = snapshots.get(`${vertex.id}/${subtask}`)
            const held = snapshot?.operators.find((operator) => operator.operatorId === operatorId)
            return {
              finished: snapshot?.finished ?? false,
              watermark: held?.watermark ?? null,
              states: held?.states ?? [],
              ...(held?.schemas !== undefined && { schemas: held.schemas }),
            }
          }),
          ...(enumerator !== undefined && { enumerator }),
        }
      }),
    ),
  }
}

/** The tasks that had finished, as a later checkpoint of a job that goes on from this one says it of them. */
export function finishedTasks(metadata: CheckpointMetadata, jobGraph: JobGraph): ReadonlyMap<TaskId, SubtaskSnapshot> {
  const finished = new Map<TaskId, SubtaskSnapshot>()
  for (const vertex of jobGraph.vertices) {
    const operators = vertex.operators.map(({ operatorId }) => metadata.operators.find((known) => known.operatorId === operatorId))
    for (let subtask = 0; subtask < vertex.parallelism; subtask++) {
      const held = operators.map((operator) => operator?.subtasks[subtask])
      if (!held.every((each) => each?.finished === true)) continue
      finished.set(`${vertex.id}/${subtask}`, {
        finished: true,
        operators: held.map((each, n) => ({
          ...{ operatorId: operators[n]!.operatorId, watermark: each!.watermark, states: each!.states },
          ...(each!.schemas && { schemas: each!.schemas }),
        })),
      })
    }
  }
  return finished
}
