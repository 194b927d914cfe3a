/**
 * Opens what a task consists of: takes state back where the job goes on from a snapshot, then opens operators, then starts the
 * source's reader. In the order in which each may begin to emit: from the last operator to the first.
 */
import { rowReader } from '../../base/columnar/column-batch.ts'
import type { FileSystem } from '../../base/filesystem/file-system.ts'
import type { JobVertex } from '../../program/graph/job-graph.ts'
import type { CheckpointMetadata } from '../checkpoint/checkpoint-metadata.ts'
import { restoredState } from '../checkpoint/restored-state.ts'
import type { RestoredState } from '../state/snapshot.ts'
import type { SlotDeployment } from './deployment.ts'
import { SourceInput, splitsTable } from './source-input.ts'
import type { Task } from './task.ts'

/** Operators are open when the promise resolves; the source's reader has its splits and is not started. */
export async function openTask(task: Task, deployment: SlotDeployment, fileSystem: FileSystem): Promise<void> {
  const { vertex: vertexId, subtask, chain, input } = task.options
  const vertex = deployment.jobGraph.vertices[vertexId]!
  const { restore } = deployment
  for (const { index, operator } of [...chain.runtime.nodes].reverse()) {
    const restored = restore && restoredState(restore, vertex.operators[index]!.operatorId, { ...vertex, subtask }, fileSystem)
    if (restored !== undefined) await operator?.restoreState?.(restored)
    await operator?.open?.()
    if (index === 0 && restored !== undefined && input instanceof SourceInput && !task.options.isRestoredFinished)
      input.restore(await splitsOf(restored), restored.watermark)
  }
}

async function splitsOf({ tables }: RestoredState): Promise<unknown[]> {
  const splits: unknown[] = []
  for (const table of tables) {
    if (table.name !== splitsTable) continue
    for await (const batch of table.batches()) {
      const read = rowReader(batch)
      for (let i = 0; i < batch.rowCount; i++) splits.push((read(i) as { value: unknown }).value)
    }
  }
  return splits
}

/** Whether all of the vertex had finished in that snapshot: nothing of it is run again. What the program has newly chained to it has nothing to do. */
export function wasFinished(metadata: CheckpointMetadata, vertex: JobVertex): boolean {
  const known = vertex.operators.flatMap(({ operatorId }) => metadata.operators.filter((other) => other.operatorId === operatorId))
  return known.length > 0 && known.every(({ subtasks }) => subtasks.length > 0 && subtasks.every(({ finished }) => finished))
}
