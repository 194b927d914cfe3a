/**
 * What a job starts from: the snapshot that execution.state-recovery.* names, checked against the plan before anything is deployed.
 */
import { configValue } from '../../base/core/config-options.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { FileSystem } from '../../base/filesystem/file-system.ts'
import type { JobGraph, JobVertex } from '../../program/graph/job-graph.ts'
import { defaultMaxParallelism } from '../../program/graph/max-parallelism.ts'
import type { CheckpointMetadata, OperatorMetadata } from '../../runtime/checkpoint/checkpoint-metadata.ts'
import { latestCheckpoint, readMetadata } from '../../runtime/checkpoint/checkpoint-storage.ts'

export interface JobRestore {
  readonly metadata: CheckpointMetadata
  /** CLAIM: the job owns it, and deletes it when it is needed no more. */
  readonly claimed: boolean
}

/** undefined: the job begins at the beginning. Throws FILE_NOT_FOUND, or STATE_INCOMPATIBLE where it does not fit the plan. */
export async function loadRestore(jobGraph: JobGraph, fileSystem: FileSystem): Promise<JobRestore | undefined> {
  const { config } = jobGraph
  const path = configValue(config, 'execution.state-recovery.path')
  if (path === undefined) return undefined
  const metadata = path === 'latest' ? await latestOf(jobGraph, fileSystem) : await readMetadata(path, fileSystem)
  if (metadata === undefined) return undefined
  if (!configValue(config, 'execution.state-recovery.ignore-unclaimed-state')) checkClaimed(metadata, jobGraph)
  return { metadata, claimed: configValue(config, 'execution.state-recovery.claim-mode') === 'CLAIM' }
}

async function latestOf({ config, jobName }: JobGraph, fileSystem: FileSystem): Promise<CheckpointMetadata | undefined> {
  const directory = configValue(config, 'execution.checkpointing.dir')
  if (directory !== undefined) return latestCheckpoint(directory, fileSystem, jobName)
  throw new StreamError('INVALID_CONFIG', 'execution.state-recovery.path is latest, but execution.checkpointing.dir is not set', {
    hint: 'latest is looked for in that folder: set it, or name the path of one snapshot.',
    place: { option: 'execution.checkpointing.dir' },
  })
}

/** All state of the snapshot belongs to an operator of the plan. */
export function checkClaimed(metadata: CheckpointMetadata, jobGraph: JobGraph): void {
  const planned = new Set(jobGraph.vertices.flatMap(({ operators }) => operators.map(({ operatorId }) => operatorId)))
  const left = metadata.operators.filter((operator) => !planned.has(operator.operatorId) && holdsState(operator))
  if (left.length === 0) return
  const names = left.map(({ name, uid }) => (uid === undefined ? `'${name}' (which had no uid)` : `'${name}' (uid ${uid})`))
  throw new StreamError(
    'STATE_INCOMPATIBLE',
    `The snapshot ${metadata.directory} has state of ${left.length === 1 ? 'an operator' : 'operators'} that the program does not have: ${names.join(', ')}`,
    {
      hint: 'Give the operator the uid that it had, or set execution.state-recovery.ignore-unclaimed-state to drop its state.',
      place: { job: jobGraph.jobName, operator: left[0]!.name, file: metadata.directory },
    },
  )
}

const holdsState = ({ subtasks, enumerator }: OperatorMetadata): boolean =>
  enumerator !== undefined || subtasks.some(({ states }) => states.some(({ files }) => files.length > 0))

/**
 * The plan with the max parallelism of the snapshot, which is fixed by the first one, wherever the program left it open. Throws
 * STATE_INCOMPATIBLE where the program sets another.
 */
export function withMaxParallelismOf(metadata: CheckpointMetadata, jobGraph: JobGraph): JobGraph {
  return { ...jobGraph, vertices: jobGraph.vertices.map((vertex) => withStored(vertex, metadata, jobGraph)) }
}

function withStored(vertex: JobVertex, metadata: CheckpointMetadata, { config, jobName }: JobGraph): JobVertex {
  const ids = vertex.operators.map(({ operatorId }) => operatorId)
  const stored = metadata.operators.find((operator) => ids.includes(operator.operatorId) && isKeyed(operator))
  if (stored === undefined || stored.maxParallelism === vertex.maxParallelism) return vertex
  const isOpen =
    configValue(config, 'pipeline.max-parallelism') === -1 && vertex.maxParallelism === defaultMaxParallelism(vertex.parallelism)
  if (isOpen && vertex.parallelism <= stored.maxParallelism) return { ...vertex, maxParallelism: stored.maxParallelism }
  const now = isOpen ? `parallelism ${vertex.parallelism}` : `max parallelism ${vertex.maxParallelism}`
  throw new StreamError(
    'STATE_INCOMPATIBLE',
    `Operator '${stored.name}' has ${now}, but its state in ${metadata.directory} was written with max parallelism ${stored.maxParallelism}`,
    {
      hint: 'Max parallelism is fixed by the first snapshot: leave it unset, and the parallelism at or below it.',
      place: { job: jobName, operator: stored.name, file: metadata.directory },
    },
  )
}

const isKeyed = ({ subtasks }: OperatorMetadata): boolean => subtasks.some(({ states }) => states.some(({ scope }) => scope === 'keyed'))
