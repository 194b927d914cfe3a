/**
 * What a job starts from: the snapshot that execution.state-recovery.* names, checked against the plan before anything is deployed.
 */
import { type Config, configValue } from '../../base/core/config-options.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { FileSystem } from '../../base/filesystem/file-system.ts'
import type { RestoredFrom } from '../../program/api/executor.ts'
import type { JobGraph, JobVertex } from '../../program/graph/job-graph.ts'
import { defaultMaxParallelism } from '../../program/graph/max-parallelism.ts'
import type { CheckpointMetadata, OperatorMetadata } from '../../runtime/checkpoint/checkpoint-metadata.ts'
import { latestCheckpoint, readMetadata } from '../../runtime/checkpoint/checkpoint-storage.ts'
import { columnNames, statesOf } from '../../runtime/checkpoint/inspect-state.ts'
import { checkpointSettingsOf, retains } from './checkpoint-settings.ts'
import { compareSnapshot, type OperatorFit, type Plan } from './compare-snapshot.ts'

export interface JobRestore {
  readonly metadata: CheckpointMetadata
  /** CLAIM: the job owns it, and deletes it when it is needed no more. */
  readonly claimed: boolean
  /** State with rows that nobody takes over. */
  readonly dropped: RestoredFrom['dropped']
}

/** undefined: the job begins at the beginning. Throws FILE_NOT_FOUND, or STATE_INCOMPATIBLE where it does not fit the plan. */
export async function loadRestore(plan: Plan, fileSystem: FileSystem): Promise<JobRestore | undefined> {
  const { config } = plan.jobGraph
  const metadata = await findRestore(plan.jobGraph, fileSystem)
  if (metadata === undefined) return undefined
  const ignoresLeftOver = configValue(config, 'execution.state-recovery.ignore-unclaimed-state')
  const fits = await fitsOf(metadata, plan, fileSystem)
  mustFit(metadata, plan.jobGraph, fits, ignoresLeftOver)
  return { metadata, claimed: isClaimed(metadata, config), dropped: droppedOf(fits, metadata) }
}

function droppedOf(fits: readonly OperatorFit[], { operators }: CheckpointMetadata): JobRestore['dropped'] {
  return fits.flatMap(({ name: operator, operatorId, states }) => {
    const written = operators.find((found) => found.operatorId === operatorId)
    const held = written && statesOf(written)
    const hasRows = (state: string): boolean => held?.get(state)?.some(({ files }) => files.length > 0) === true
    return states.filter(({ is, name }) => is === 'dropped' && hasRows(name)).map(({ name }) => ({ operator, state: name }))
  })
}

/** What execution.state-recovery.path means for this job; undefined: the beginning. */
export async function findRestore(jobGraph: JobGraph, fileSystem: FileSystem): Promise<CheckpointMetadata | undefined> {
  const path = configValue(jobGraph.config, 'execution.state-recovery.path')
  if (path === undefined) return undefined
  return path === 'latest' ? latestOf(jobGraph, fileSystem) : readMetadata(path, fileSystem)
}

/**
 * The latest checkpoint of a job that keeps its checkpoints is the job's own, from an earlier run, unless claim-mode says otherwise: left
 * behind, it would be the latest again when the job has finished.
 */
function isClaimed({ kind }: CheckpointMetadata, config: Config): boolean {
  if (config['execution.state-recovery.claim-mode'] !== undefined)
    return configValue(config, 'execution.state-recovery.claim-mode') === 'CLAIM'
  const isLatest = configValue(config, 'execution.state-recovery.path') === 'latest'
  return isLatest && kind === 'checkpoint' && retains(checkpointSettingsOf(config).retention, 'FAILED')
}

/** How the snapshot fits the plan. Reads what the metadata does not say: the columns of windows. */
export async function fitsOf(metadata: CheckpointMetadata, plan: Plan, fileSystem: FileSystem): Promise<readonly OperatorFit[]> {
  const columns = new Map<string, readonly string[]>()
  for (const operator of metadata.operators) {
    if (operator.kind !== 'window') continue
    for (const [state, tables] of statesOf(operator)) {
      const file = tables.find(({ files }) => files.length > 0)?.files[0]
      if (file !== undefined) columns.set(`${operator.operatorId} ${state}`, await columnNames(file, metadata.directory, fileSystem))
    }
  }
  return compareSnapshot(metadata, plan, (operatorId, state) => columns.get(`${operatorId} ${state}`))
}

/** Throws STATE_INCOMPATIBLE for state that cannot be taken over, or belongs to no operator of the plan. */
export function mustFit(
  metadata: CheckpointMetadata,
  { jobName }: Pick<JobGraph, 'jobName'>,
  fits: readonly OperatorFit[],
  ignoresLeftOver: boolean,
): void {
  const { directory } = metadata
  for (const { states } of fits)
    for (const state of states) {
      if (state.is !== 'incompatible') continue
      const { message, hint, place, code } = state.error
      throw new StreamError(code, message, { hint, place: { job: jobName, ...place, file: directory } })
    }
  const left = fits.filter(({ is }) => is === 'left over')
  if (left.length === 0 || ignoresLeftOver) return
  const names = left.map(({ name, uid }) => (uid === undefined ? `'${name}' (which had no uid)` : `'${name}' (uid ${uid})`))
  throw new StreamError(
    'STATE_INCOMPATIBLE',
    `The snapshot ${directory} has state of ${left.length === 1 ? 'an operator' : 'operators'} that job '${jobName}' does not have: ${names.join(', ')}`,
    {
      hint: 'Give the operator the uid that it had, or drop its state: --allow-left-over, or execution.state-recovery.ignore-unclaimed-state.',
      place: { job: jobName, operator: left[0]!.name, file: directory },
    },
  )
}

async function latestOf({ config, jobName }: JobGraph, fileSystem: FileSystem): Promise<CheckpointMetadata | undefined> {
  const directory = configValue(config, 'execution.checkpointing.dir')
  if (directory !== undefined) return latestCheckpoint(directory, fileSystem, jobName)
  throw new StreamError('INVALID_CONFIG', 'execution.state-recovery.path is latest, but execution.checkpointing.dir is not set', {
    hint: 'latest is looked for in that folder: set it, or name the path of one snapshot.',
    place: { option: 'execution.checkpointing.dir' },
  })
}

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
