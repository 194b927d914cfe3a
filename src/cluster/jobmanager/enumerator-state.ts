/**
 * What an enumerator held, in a checkpoint: the state table `_enumerator` of one opaque value, in a file of its own.
 */

import { exactValue } from '../../base/columnar/column-file-reader.ts'
import type { Clock } from '../../base/core/clock.ts'
import type { FileSystem } from '../../base/filesystem/file-system.ts'
import type { JobGraph, JobVertex } from '../../program/graph/job-graph.ts'
import type { CheckpointMetadata, StateTable } from '../../runtime/checkpoint/checkpoint-metadata.ts'
import { readStateFile } from '../../runtime/checkpoint/read-state-file.ts'
import { SnapshotWriter } from '../../runtime/checkpoint/snapshot-writer.ts'

export const enumeratorState = '_enumerator'

export interface EnumeratorFiles {
  readonly fileSystem: FileSystem
  readonly clock: Clock
  readonly yieldTo: (callback: () => void) => void
}

/** Writes what the enumerators of these vertices held into a checkpoint's folder. */
export async function writeEnumerators(
  held: ReadonlyMap<JobVertex, unknown>,
  directory: string,
  { fileSystem, clock, yieldTo }: EnumeratorFiles,
): Promise<ReadonlyMap<number, StateTable>> {
  const tables = new Map<number, StateTable>()
  for (const [vertex, value] of held) {
    if (value === undefined) continue
    const { operatorId } = vertex.operators[0]!
    const state = {
      ...({ name: enumeratorState, scope: 'broadcast', form: 'value' } as const),
      declared: { value: { type: { kind: 'any' }, nullable: true } } as const,
      chunks: () => [{ rowCount: 1, columns: [{ name: 'value', values: [value] }] }][Symbol.iterator](),
      release: () => undefined,
    }
    const writer = new SnapshotWriter({ fileSystem, clock, yieldTo, directory, subtask: 0 })
    const { operators } = await writer.write([{ operatorId, watermark: null, states: [state] }])
    tables.set(vertex.id, operators[0]!.states[0]!)
  }
  return tables
}

/** What the enumerators of these vertices go on from; absent where the snapshot has nothing of them. */
export async function readEnumerators(
  metadata: CheckpointMetadata,
  jobGraph: JobGraph,
  vertices: readonly number[],
  fileSystem: FileSystem,
): Promise<ReadonlyMap<number, unknown>> {
  const held = new Map<number, unknown>()
  for (const vertex of vertices) {
    const { operatorId } = jobGraph.vertices[vertex]!.operators[0]!
    const files = metadata.operators.find((operator) => operator.operatorId === operatorId)?.enumerator?.files ?? []
    for (const file of files) {
      for await (const batch of readStateFile(file, metadata.directory, fileSystem)) held.set(vertex, exactValue(batch.columns[0]!, 0))
    }
  }
  return held
}
