/**
 * `headrace savepoint`: looks into checkpoints and savepoints, and removes them. Needs no program and runs no job.
 */
import { resolve } from 'node:path'
import type { FileSystem } from '../../base/filesystem/file-system.ts'
import { LocalFileSystem } from '../../base/filesystem/local-file-system.ts'
import { toJsonText } from '../../program/connector/json-value.ts'
import type { CheckpointMetadata, StateTable } from '../../runtime/checkpoint/checkpoint-metadata.ts'
import { readMetadata, removeCheckpoint } from '../../runtime/checkpoint/checkpoint-storage.ts'
import { type StateSummary, stateRows, statesOf, summarizeStates } from '../../runtime/checkpoint/inspect-state.ts'
import { type ExitCode, exitCode } from './exit-code.ts'
import { type ParsedOptions, UsageError } from './parse-options.ts'

export async function savepointCommand(parsed: ParsedOptions): Promise<ExitCode> {
  const [action, given, ...more] = parsed.operands
  if (action === 'trigger') return (await import('./job-commands.ts')).triggerCommand({ ...parsed, operands: parsed.operands.slice(1) })
  if (action !== 'inspect' && action !== 'dispose')
    throw new UsageError(
      action === undefined ? 'savepoint needs to be told what to do' : `There is no savepoint ${action}`,
      'headrace savepoint inspect PATH, headrace savepoint dispose PATH, or headrace savepoint trigger JOB',
    )
  if (given === undefined) throw new UsageError(`savepoint ${action} needs a path`, `headrace savepoint ${action} PATH`)
  if (more.length > 0) throw new UsageError(`savepoint ${action} takes one path, and got ${more.length + 1}`)
  const fileSystem = new LocalFileSystem()
  const path = /^[a-z][a-z0-9+.-]+:\/\//i.test(given) ? given : resolve(given)
  if (action === 'dispose') return dispose(path, parsed, fileSystem)
  const [state] = parsed.options.get('--state') ?? []
  // The rows of one state are verified as they are read.
  const metadata = await readMetadata(path, fileSystem, { verify: state === undefined ? 'full' : 'quick' })
  if (state !== undefined) return printRows(metadata, state, fileSystem)
  const states = await summarizeStates(metadata, fileSystem)
  const text = parsed.options.has('--json') ? JSON.stringify(toJson(metadata, states), null, 2) : toText(metadata, states)
  process.stdout.write(`${text}\n`)
  return exitCode.ok
}

/** Files that are missing do not keep one from being removed. */
async function dispose(path: string, parsed: ParsedOptions, fileSystem: FileSystem): Promise<ExitCode> {
  for (const option of ['--state', '--json']) if (parsed.options.has(option)) throw new UsageError(`savepoint dispose takes no ${option}`)
  const metadata = await readMetadata(path, fileSystem, { verify: 'none' })
  await removeCheckpoint(metadata, fileSystem)
  process.stdout.write(`removed ${metadata.kind} ${metadata.checkpointId} of job '${metadata.jobName}': ${metadata.directory}\n`)
  return exitCode.ok
}

async function printRows(metadata: CheckpointMetadata, wanted: string, fileSystem: FileSystem): Promise<ExitCode> {
  for await (const row of stateRows(findState(metadata, wanted), metadata.directory, fileSystem)) {
    // Standard output that is slower than the disk must not fill the memory.
    if (!process.stdout.write(`${toJsonText(readable(row))}\n`)) await new Promise((done) => process.stdout.once('drain', done))
  }
  return exitCode.ok
}

/** By NAME, or OPERATOR.NAME with the operator's name, uid or id. */
function findState(metadata: CheckpointMetadata, wanted: string): readonly StateTable[] {
  const all = metadata.operators.flatMap((operator) =>
    [...statesOf(operator)].map(([name, tables]) => ({
      names: [name, ...[operator.name, operator.uid, operator.operatorId].map((of) => `${of}.${name}`)],
      tables,
    })),
  )
  const found = all.filter(({ names }) => names.includes(wanted))
  if (found.length === 1) return found[0]!.tables
  const qualified = (found.length === 0 ? all : found).map(({ names }) => names[1]).join(', ')
  if (found.length > 1) throw new UsageError(`${found.length} operators have a state ${wanted}`, `Name one of them: ${qualified}`)
  throw new UsageError(`there is no state ${wanted}`, all.length === 0 ? 'It holds no state at all.' : `It holds ${qualified}`)
}

function toJson(metadata: CheckpointMetadata, states: readonly StateSummary[]) {
  const { operators, format: _format, version: _version, ...rest } = metadata
  return {
    ...rest,
    sizeBytes: totalBytes(states),
    operators: operators.map(({ subtasks, enumerator: _enumerator, ...operator }) => ({
      ...operator,
      finishedSubtasks: subtasks.filter(({ finished }) => finished).length,
      watermarks: subtasks.map(({ watermark }) => watermark),
      states: states
        .filter(({ operatorId }) => operatorId === operator.operatorId)
        .map(({ operator: _name, operatorId: _id, uid: _uid, ...state }) => state),
    })),
  }
}

const totalBytes = (states: readonly StateSummary[]): number => states.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)

function toText(metadata: CheckpointMetadata, states: readonly StateSummary[]): string {
  const { kind, checkpointId, jobName, jobId, completedMs, triggeredMs, headrace, directory, operators } = metadata
  const lines = [
    `${kind} ${checkpointId} of job '${jobName}' (${jobId})`,
    `  ${directory}`,
    `  completed ${new Date(completedMs).toISOString()} after ${completedMs - triggeredMs} ms, ${formatSize(totalBytes(states))} of state, by headrace ${headrace}`,
  ]
  for (const { operatorId, uid, name, kind: operatorKind, parallelism, maxParallelism, subtasks } of operators) {
    const finished = subtasks.filter((subtask) => subtask.finished).length
    lines.push(
      '',
      `${name} (${operatorKind}${uid === undefined ? '' : `, uid ${uid}`}), parallelism ${parallelism} of ${maxParallelism}${finished === 0 ? '' : `, ${finished} finished`}`,
      `  id ${operatorId}`,
    )
    for (const state of states.filter((other) => other.operatorId === operatorId)) {
      const keys = state.keys === undefined ? '' : `, ${counted(state.keys, 'key')}`
      lines.push(`  ${state.name}: ${state.scope} ${state.form}, ${counted(state.rows, 'row')}${keys}, ${formatSize(state.sizeBytes)}`)
      if (state.columns.length > 0) lines.push(`    ${state.columns.map((column) => `${column.name} ${column.type}`).join(', ')}`)
    }
  }
  return lines.join('\n')
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`

const units = ['bytes', 'kb', 'mb', 'gb', 'tb']

function formatSize(bytes: number): string {
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10))
  return power === 0 ? `${bytes} bytes` : `${(bytes / 1024 ** power).toFixed(1)} ${units[power]}`
}

/** What JSON has no word for as the nearest that it has: maps and sets as arrays, NaN and the infinities as text. */
function readable(value: unknown): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (typeof value !== 'object' || value === null || value instanceof Date || value instanceof Uint8Array) return value
  if (value instanceof Map) return [...value].map(readable)
  if (value instanceof Set || Array.isArray(value)) return Array.from(value, readable)
  if (ArrayBuffer.isView(value)) return Array.from(value as Float64Array, readable)
  if (value instanceof Error || value instanceof RegExp) return String(value)
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, readable(inner)]))
}
