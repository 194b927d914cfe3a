/**
 * `headrace check`: whether a program can go on from a checkpoint or savepoint, operator by operator. Plans the program and reads the
 * snapshot, with the checksums of all its files; nothing is run. The judgement is the one that a job is started by.
 */
import { configValue } from '../../base/core/config-options.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { FileSystem } from '../../base/filesystem/file-system.ts'
import { LocalFileSystem } from '../../base/filesystem/local-file-system.ts'
import type { OperatorFit, Plan, StateFit } from '../../cluster/jobmanager/compare-snapshot.ts'
import { findRestore, fitsOf, mustFit, withMaxParallelismOf } from '../../cluster/jobmanager/restore-job.ts'
import { programArguments } from '../../program/api/program-arguments.ts'
import type { CheckpointMetadata } from '../../runtime/checkpoint/checkpoint-metadata.ts'
import { readMetadata } from '../../runtime/checkpoint/checkpoint-storage.ts'
import { planProgram } from '../entrypoint/plan-program.ts'
import { commandConfig, onlyProgram } from './command-config.ts'
import { type ExitCode, exitCode } from './exit-code.ts'
import { type ParsedOptions, UsageError } from './parse-options.ts'
import { unlessStuck } from './unless-stuck.ts'

interface JobFit {
  readonly jobName: string
  /** undefined: there is no snapshot, and the job begins at the beginning. */
  readonly metadata: CheckpointMetadata | undefined
  readonly operators: readonly OperatorFit[]
  readonly allowsLeftOver: boolean
  /** Why it cannot be taken up; undefined: it can. */
  readonly refusal: StreamError | undefined
}

export async function checkCommand(parsed: ParsedOptions): Promise<ExitCode> {
  const file = onlyProgram(parsed, 'check')
  const { config } = commandConfig(parsed, file)
  if (configValue(config, 'execution.state-recovery.path') === undefined)
    throw new UsageError('headrace check needs a snapshot', `For example: headrace check ${file} --from DIR/<job id>/chk-12`)
  const { plans, failure } = await unlessStuck(planProgram(file, programArguments(parsed.rest), config), {
    process,
    cause: () => undefined,
  })
  if (failure !== undefined && plans.length === 0) throw failure
  const fileSystem = new LocalFileSystem()
  const jobs: JobFit[] = []
  for (const plan of plans) jobs.push(await jobFit(plan, fileSystem))
  const shown = jobsOfSnapshot(jobs)
  const text = parsed.options.has('--json') ? JSON.stringify(shown.map(toJson), null, 2) : shown.map(toText).join('\n\n')
  process.stdout.write(`${text}\n`)
  return shown.some(({ refusal }) => refusal !== undefined) ? exitCode.failed : exitCode.ok
}

async function jobFit(plan: Plan, fileSystem: FileSystem): Promise<JobFit> {
  const { jobGraph } = plan
  const { jobName, config } = jobGraph
  const allowsLeftOver = configValue(config, 'execution.state-recovery.ignore-unclaimed-state')
  const metadata = await findRestore(jobGraph, fileSystem)
  if (metadata === undefined) return { jobName, metadata, operators: [], allowsLeftOver, refusal: undefined }
  // Whoever asks is going to trust the answer: what a restore would find damaged is found here.
  await readMetadata(metadata.directory, fileSystem, { verify: 'full' })
  const operators = await fitsOf(metadata, plan, fileSystem)
  const fit = { jobName, metadata, operators, allowsLeftOver }
  try {
    mustFit(metadata, jobGraph, operators, allowsLeftOver)
    withMaxParallelismOf(metadata, jobGraph)
    return { ...fit, refusal: undefined }
  } catch (thrown) {
    if (!(thrown instanceof StreamError)) throw thrown
    return { ...fit, refusal: thrown }
  }
}

/** A program of several jobs is asked about the one that the snapshot is of, if it has one of that name. */
function jobsOfSnapshot(jobs: readonly JobFit[]): readonly JobFit[] {
  const named = jobs.filter(({ jobName, metadata }) => metadata?.jobName === jobName)
  return named.length === 0 ? jobs : jobs.filter((job) => job.metadata === undefined || named.includes(job))
}

function toText({ jobName, metadata, operators, allowsLeftOver, refusal }: JobFit): string {
  if (metadata === undefined) return `job '${jobName}' begins at the beginning: there is no checkpoint of it`
  const { kind, checkpointId, directory } = metadata
  const width = Math.max(...operators.map(({ name }) => name.length))
  const lines = [`${kind} ${checkpointId} of job '${metadata.jobName}', ${directory}`, `for job '${jobName}':`]
  for (const operator of operators) {
    lines.push(
      `  ${operator.name.padEnd(width)}  ${verdict(operator, allowsLeftOver)}${operator.uid === undefined ? '' : `  (uid ${operator.uid})`}`,
    )
    for (const state of operator.states) if (operator.is !== 'left over') lines.push(...stateLines(state))
  }
  lines.push('', refusal === undefined ? 'It can be taken up.' : `It cannot be taken up: ${refusal.message}`)
  if (refusal?.hint !== undefined) lines.push(`  ${refusal.hint}`)
  return lines.join('\n')
}

function verdict({ is, states }: OperatorFit, allowsLeftOver: boolean): string {
  switch (is) {
    case 'as is':
      return states.length === 0 ? 'known, and holds no state' : 'taken up as it is'
    case 'left over':
      return `left over (${states.map(({ name }) => name).join(', ')}), ${allowsLeftOver ? 'dropped' : 'refused unless --allow-left-over'}`
    case 'new':
      return 'new, starts empty'
    default:
      return is
  }
}

/** Nothing is said of states that are taken as they are. */
function stateLines(state: StateFit): string[] {
  switch (state.is) {
    case 'as is':
      return []
    case 'evolved':
      return [`    ${state.name}: ${state.found} becomes ${state.wanted}`]
    case 'new':
      return [`    ${state.name}: new, starts empty`]
    case 'dropped':
      return [`    ${state.name}: not declared any more, and dropped`]
    case 'incompatible':
      return [`    ${state.name}: ${state.error.message}`]
  }
}

function toJson({ jobName, metadata, operators, refusal }: JobFit) {
  const { kind, checkpointId, directory: path } = metadata ?? {}
  const snapshot = metadata === undefined ? null : { kind, checkpointId, jobName: metadata.jobName, path }
  return {
    ...{ jobName, canBeTakenUp: refusal === undefined, snapshot },
    ...(refusal && { refusal: { code: refusal.code, message: refusal.message, hint: refusal.hint } }),
    operators: operators.map(({ states, ...operator }) => ({
      ...operator,
      states: states.map((state) =>
        state.is === 'incompatible' ? { name: state.name, is: state.is, message: state.error.message } : state,
      ),
    })),
  }
}
