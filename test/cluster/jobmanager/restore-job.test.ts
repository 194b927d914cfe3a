import { describe, expect, it } from 'vitest'
import { MemoryFileSystem } from '../../../src/base/filesystem/memory-file-system.ts'
import { fitsOf, loadRestore, mustFit, withMaxParallelismOf } from '../../../src/cluster/jobmanager/restore-job.ts'
import { valueState } from '../../../src/program/function/state.ts'
import type { StreamGraph, StreamNode } from '../../../src/program/graph/stream-graph.ts'
import type { CheckpointMetadata, StateTable } from '../../../src/runtime/checkpoint/checkpoint-metadata.ts'
import { writeMetadata } from '../../../src/runtime/checkpoint/checkpoint-storage.ts'
import { jobGraphOf } from './plans.ts'

const graph = jobGraphOf([{ name: 'count', parallelism: 2 }])
const count = { state: { seen: valueState() }, processElement() {} }
const streamGraph: StreamGraph = {
  ...{ jobName: graph.jobName, config: {} },
  nodes: graph.vertices[0]!.operators.map(
    ({ nodeId }) => ({ id: nodeId, operator: { kind: 'process', fn: count } }) as unknown as StreamNode,
  ),
}
const planWith = (config: Readonly<Record<string, unknown>>) => ({ jobGraph: { ...graph, config }, streamGraph })
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
  it('refuses state that no operator of the program has, and names operator, uid and path', async () => {
    const check = async (metadata: CheckpointMetadata) =>
      mustFit(metadata, graph, await fitsOf(metadata, planWith({}), new MemoryFileSystem()), false)
    await check(metadataOf([operatorOf(known)]))
    await check(metadataOf([operatorOf(gone, [])]))
    await expect(check(metadataOf([operatorOf(gone)]))).rejects.toThrow(
      "The snapshot /s/savepoint-3 has state of an operator that job 'by hand' does not have: 'count' (uid counter)",
    )
  })

  it('drops such state where that is allowed', async () => {
    const fileSystem = new MemoryFileSystem()
    const enumerator = { ...held, files: [] }
    await writeMetadata(metadataOf([{ ...operatorOf(gone, []), enumerator }]), fileSystem)
    const config = { 'execution.state-recovery.path': '/s/savepoint-3' }
    await expect(loadRestore(planWith(config), fileSystem)).rejects.toMatchObject({ code: 'STATE_INCOMPATIBLE' })
    const ignoring = { ...config, 'execution.state-recovery.ignore-unclaimed-state': true }
    expect(await loadRestore(planWith(ignoring), fileSystem)).toMatchObject({ metadata: { checkpointId: 3 }, claimed: false })
  })

  it('finds the latest of its name, claims it if told to, and begins anew where there is none', async () => {
    const fileSystem = new MemoryFileSystem()
    const config = {
      'execution.state-recovery.path': 'latest',
      'execution.checkpointing.dir': '/s',
      'execution.state-recovery.claim-mode': 'CLAIM',
    }
    expect(await loadRestore(planWith(config), fileSystem)).toBeUndefined()
    for (const id of [3, 4]) await writeMetadata(metadataOf([], id), fileSystem)
    expect(await loadRestore(planWith(config), fileSystem)).toMatchObject({ metadata: { checkpointId: 4 }, claimed: true })
    expect(await loadRestore(planWith({}), fileSystem)).toBeUndefined()
    const without = planWith({ 'execution.state-recovery.path': 'latest' })
    await expect(loadRestore(without, fileSystem)).rejects.toMatchObject({ code: 'INVALID_CONFIG' })
  })

  it('owns the latest checkpoint of a job that keeps them, but no savepoint, and nothing where it is told not to', async () => {
    const fileSystem = new MemoryFileSystem()
    const config = {
      'execution.state-recovery.path': 'latest',
      'execution.checkpointing.dir': '/s',
      'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION',
    }
    await writeMetadata(metadataOf([], 3), fileSystem)
    expect(await loadRestore(planWith(config), fileSystem)).toMatchObject({ claimed: false })
    await writeMetadata({ ...metadataOf([], 5), kind: 'checkpoint', directory: '/s/job/chk-5' }, fileSystem)
    expect(await loadRestore(planWith(config), fileSystem)).toMatchObject({ claimed: true })
    const told = { ...config, 'execution.state-recovery.claim-mode': 'NO_CLAIM' }
    expect(await loadRestore(planWith(told), fileSystem)).toMatchObject({ claimed: false })
    const { 'execution.checkpointing.externalized-checkpoint-retention': _, ...without } = config
    expect(await loadRestore(planWith(without), fileSystem)).toMatchObject({ claimed: false })
  })

  it('takes the max parallelism of its keyed state over where the program left it open', () => {
    const stored = metadataOf([operatorOf(known, [held], 256)])
    expect(withMaxParallelismOf(stored, graph).vertices[0]!.maxParallelism).toBe(256)
    const set = { ...graph, config: { 'pipeline.max-parallelism': 128 } }
    expect(() => withMaxParallelismOf(stored, set)).toThrow('written with max parallelism 256')
    expect(() => withMaxParallelismOf(metadataOf([operatorOf(known, [held], 1)]), graph)).toThrow("Operator 'count' has parallelism 2")
  })
})
