import { describe, expect, it } from 'vitest'
import { MemoryFileSystem } from '../../../src/base/filesystem/memory-file-system.ts'
import { checkClaimed, loadRestore, withMaxParallelismOf } from '../../../src/cluster/jobmanager/restore-job.ts'
import type { CheckpointMetadata, StateTable } from '../../../src/runtime/checkpoint/checkpoint-metadata.ts'
import { writeMetadata } from '../../../src/runtime/checkpoint/checkpoint-storage.ts'
import { jobGraphOf } from './plans.ts'

const graph = jobGraphOf([{ name: 'count', parallelism: 2 }])
const held: StateTable = {
  name: 'seen',
  scope: 'keyed',
  form: 'value',
  files: [{ path: 'a.arrow', sizeBytes: 1, rows: 1, crc32: '00000000' }],
}
const operatorOf = (operatorId: string, states: readonly StateTable[] = [held], maxParallelism = 128) => ({
  ...{ operatorId, uid: 'counter', name: 'count', kind: 'process', parallelism: 1, maxParallelism },
  subtasks: [{ finished: false, watermark: null, states }],
})
const metadataOf = (operators: CheckpointMetadata['operators'], checkpointId = 3): CheckpointMetadata => ({
  ...{ format: 'headrace-checkpoint', version: 1, headrace: 'test', kind: 'savepoint', checkpointId, jobId: 'j', jobName: 'by hand' },
  ...{ triggeredMs: checkpointId, completedMs: checkpointId, directory: `/s/savepoint-${checkpointId}`, operators },
})
const known = '0'.repeat(32)
const gone = 'f'.repeat(32)

describe('a job that starts from a snapshot', () => {
  it('refuses state that no operator of the program has, and names operator, uid and path', () => {
    expect(() => checkClaimed(metadataOf([operatorOf(known)]), graph)).not.toThrow()
    expect(() => checkClaimed(metadataOf([operatorOf(gone, [])]), graph)).not.toThrow()
    expect(() => checkClaimed(metadataOf([operatorOf(gone)]), graph)).toThrow(
      "The snapshot /s/savepoint-3 has state of an operator that the program does not have: 'count' (uid counter)",
    )
  })

  it('drops such state where that is allowed', async () => {
    const fileSystem = new MemoryFileSystem()
    const enumerator = { ...held, files: [] }
    await writeMetadata(metadataOf([{ ...operatorOf(gone, []), enumerator }]), fileSystem)
    const config = { 'execution.state-recovery.path': '/s/savepoint-3' }
    await expect(loadRestore({ ...graph, config }, fileSystem)).rejects.toMatchObject({ code: 'STATE_INCOMPATIBLE' })
    const ignoring = { ...config, 'execution.state-recovery.ignore-unclaimed-state': true }
    expect(await loadRestore({ ...graph, config: ignoring }, fileSystem)).toMatchObject({ metadata: { checkpointId: 3 }, claimed: false })
  })

  it('finds the latest of its name, claims it if told to, and begins anew where there is none', async () => {
    const fileSystem = new MemoryFileSystem()
    const config = {
      'execution.state-recovery.path': 'latest',
      'execution.checkpointing.dir': '/s',
      'execution.state-recovery.claim-mode': 'CLAIM',
    }
    expect(await loadRestore({ ...graph, config }, fileSystem)).toBeUndefined()
    for (const id of [3, 4]) await writeMetadata(metadataOf([], id), fileSystem)
    expect(await loadRestore({ ...graph, config }, fileSystem)).toMatchObject({ metadata: { checkpointId: 4 }, claimed: true })
    expect(await loadRestore(graph, fileSystem)).toBeUndefined()
    const without = { ...graph, config: { 'execution.state-recovery.path': 'latest' } }
    await expect(loadRestore(without, fileSystem)).rejects.toMatchObject({ code: 'INVALID_CONFIG' })
  })

  it('takes the max parallelism of its keyed state over where the program left it open', () => {
    const stored = metadataOf([operatorOf(known, [held], 256)])
    expect(withMaxParallelismOf(stored, graph).vertices[0]!.maxParallelism).toBe(256)
    const set = { ...graph, config: { 'pipeline.max-parallelism': 128 } }
    expect(() => withMaxParallelismOf(stored, set)).toThrow('written with max parallelism 256')
    expect(() => withMaxParallelismOf(metadataOf([operatorOf(known, [held], 1)]), graph)).toThrow("Operator 'count' has parallelism 2")
  })
})
