/**
 * `headrace list`, `cancel`, `stop` and `savepoint trigger`: what is asked of a cluster about its jobs, over its REST API.
 */
import { formatDuration } from '../../base/core/duration.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { ListedJob, RestClient } from '../client/rest-client.ts'
import { clusterOf } from './cluster-state.ts'
import { type ExitCode, exitCode } from './exit-code.ts'
import { type ParsedOptions, UsageError } from './parse-options.ts'

const ends = ['FINISHED', 'CANCELED', 'FAILED']

export async function listCommand(parsed: ParsedOptions): Promise<ExitCode> {
  if (parsed.operands.length > 0) throw new UsageError(`headrace list takes no ${parsed.operands.join(' ')}`)
  const all = await clusterOf(parsed).jobs()
  const jobs = parsed.options.has('--running') ? all.filter(({ state }) => !ends.includes(state)) : all
  const ordered = jobs.toSorted(
    (one, other) => Number(ends.includes(one.state)) - Number(ends.includes(other.state)) || other['start-time'] - one['start-time'],
  )
  if (parsed.options.has('--json')) return say(JSON.stringify(ordered.map(asJson), null, 2))
  if (ordered.length === 0) return say(parsed.options.has('--running') ? 'no job runs' : 'no jobs')
  return say(
    ordered.map((job) => [job.jid, job.state.padEnd(10), formatDuration(job.duration).padStart(8), job.name].join('  ')).join('\n'),
  )
}

const asJson = ({ jid, name, state, duration, tasks, ...job }: ListedJob) => ({
  ...{ jobId: jid, jobName: name, state, startedMs: job['start-time'], durationMs: duration, tasks },
  ...(job['end-time'] >= 0 && { endedMs: job['end-time'] }),
})

export async function cancelCommand(parsed: ParsedOptions): Promise<ExitCode> {
  const client = clusterOf(parsed)
  const { jid: jobId, name } = await jobOf(client, parsed, 'cancel')
  await client.cancel(jobId)
  const state = await ended(client, jobId)
  if (parsed.options.has('--json')) return say(JSON.stringify({ jobId, state }))
  return say(state === 'CANCELED' ? `cancelled ${jobId} (${name})` : `${jobId} (${name}) was over already: it is ${state}`)
}

export async function stopCommand(parsed: ParsedOptions): Promise<ExitCode> {
  const client = clusterOf(parsed)
  const { jid: jobId, name } = await jobOf(client, parsed, 'stop')
  const savepoint = await client.stop(jobId, { drain: parsed.options.has('--drain'), ...targetOf(parsed) })
  return say(
    parsed.options.has('--json') ? JSON.stringify({ jobId, savepoint }) : `stopped ${jobId} (${name}) with the savepoint\n${savepoint}`,
  )
}

export async function triggerCommand(parsed: ParsedOptions): Promise<ExitCode> {
  const client = clusterOf(parsed)
  const { jid: jobId } = await jobOf(client, parsed, 'savepoint trigger')
  const savepoint = await client.savepoint(jobId, targetOf(parsed).targetDirectory)
  return say(parsed.options.has('--json') ? JSON.stringify({ jobId, savepoint }) : savepoint)
}

const targetOf = ({ options }: ParsedOptions): { readonly targetDirectory?: string } => {
  const targetDirectory = options.get('--savepoint-dir')?.[0]
  return targetDirectory === undefined ? {} : { targetDirectory }
}

/** By its id, or the beginning of it where that names one job. */
async function jobOf(client: RestClient, { operands }: ParsedOptions, command: string): Promise<ListedJob> {
  const [id, ...more] = operands
  if (id === undefined) throw new UsageError(`headrace ${command} needs the id of a job`, 'headrace list shows them.')
  if (more.length > 0) throw new UsageError(`headrace ${command} takes one job, and got ${operands.length}`)
  const found = (await client.jobs()).filter(({ jid }) => jid.startsWith(id.toLowerCase()))
  if (found.length === 1) return found[0]!
  if (found.length > 1)
    throw new UsageError(`${id} is the beginning of ${found.length} jobs' ids`, found.map(({ jid, name }) => `${jid}  ${name}`).join('\n'))
  throw new StreamError('JOB_NOT_FOUND', `There is no job ${id} at ${client.url}`, { hint: 'headrace list shows the jobs.' })
}

async function ended(client: RestClient, jobId: string): Promise<string> {
  for (;;) {
    const { state } = await client.job(jobId)
    if (ends.includes(state)) return state
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

function say(text: string): ExitCode {
  process.stdout.write(`${text}\n`)
  return exitCode.ok
}
