/**
 * `headrace submit`: bundles a program, sends it to a cluster and, unless detached, shows how its job goes until it ends.
 */
import path from 'node:path'
import { asPackage } from '../../base/bundle/bundle-bytes.ts'
import { bundleProgram } from '../../base/bundle/bundle-program.ts'
import { checkConfig } from '../../base/core/config-options.ts'
import { formatDuration } from '../../base/core/duration.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import { type JobDetails, plainMessage, type RestClient } from '../client/rest-client.ts'
import { findProgram } from '../entrypoint/find-program.ts'
import { clusterOf } from './cluster-state.ts'
import { onlyProgram } from './command-config.ts'
import { definesOf } from './define-options.ts'
import { type ExitCode, exitCode } from './exit-code.ts'
import type { ParsedOptions } from './parse-options.ts'
import { ProgressLine } from './progress-line.ts'

const pollMs = 200

export async function submitCommand(parsed: ParsedOptions): Promise<ExitCode> {
  const file = onlyProgram(parsed, 'submit')
  const config = jobConfig(parsed, file)
  const client = clusterOf(parsed)
  const bundle = await bundleProgram(findProgram(file))
  for (const warning of bundle.warnings) process.stderr.write(`headrace: warning: ${warning}\n`)
  const program = await client.upload(`${path.parse(file).name}.jar`, asPackage(bundle))
  let jobId: string
  try {
    jobId = await client.run(program, { programArgsList: parsed.rest, flinkConfiguration: config })
  } finally {
    // The cluster keeps what its jobs need by itself.
    await client.removeProgram(program)
  }
  const isJson = parsed.options.has('--json')
  if (isJson) say({ event: 'submitted', jobId, file })
  else process.stdout.write(`${parsed.options.has('--detach') ? jobId : `submitted ${jobId}`}\n`)
  if (parsed.options.has('--detach')) return exitCode.ok
  process.once('SIGINT', () => {
    process.stderr.write(`\nheadrace: the job goes on. To end it: headrace cancel ${jobId}\n`)
    process.exit(exitCode.interrupted)
  })
  return attached(client, jobId, isJson)
}

/** What this command says about the job, checked here, where a wrong key is seen at once. */
function jobConfig(parsed: ParsedOptions, file: string): Record<string, string> {
  const { options } = parsed
  const config: Record<string, string> = { 'pipeline.name': path.parse(file).name, ...definesOf(parsed) }
  const parallelism = options.get('--parallelism')?.[0]
  const from = options.get('--from')?.[0]
  if (parallelism !== undefined) config['parallelism.default'] = parallelism
  if (from !== undefined) config['execution.state-recovery.path'] = from === 'latest' || from.includes('://') ? from : path.resolve(from)
  if (options.has('--allow-left-over')) config['execution.state-recovery.ignore-unclaimed-state'] = 'true'
  checkConfig(config)
  return config
}

async function attached(client: RestClient, jobId: string, isJson: boolean): Promise<ExitCode> {
  const line = new ProgressLine(process.stderr)
  let last = { recordsIn: 0, elapsedMs: 0 }
  for (;;) {
    const job = await client.job(jobId)
    const progress = { recordsIn: recordsOf(job), elapsedMs: job.duration }
    const recordsPerSecond = Math.max(0, ((progress.recordsIn - last.recordsIn) * 1000) / Math.max(1, progress.elapsedMs - last.elapsedMs))
    last = progress
    if (isJson) say({ event: 'progress', jobId, state: job.state, ...progress })
    else line.show({ ...progress, recordsPerSecond, watermark: null, ...(job.state === 'RESTARTING' && { status: 'RESTARTING' as const }) })
    if (job.state === 'FINISHED' || job.state === 'CANCELED' || job.state === 'FAILED') {
      line.clear()
      return ended(client, job, isJson)
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs))
  }
}

/** Sources alone take no input: what they gave out is what came in. */
const recordsOf = ({ vertices }: JobDetails): number =>
  vertices.length === 0 ? 0 : Math.max(vertices[0]!.metrics['write-records'], vertices[0]!.metrics['read-records'])

async function ended(client: RestClient, { jid: jobId, name, state, duration }: JobDetails, isJson: boolean): Promise<ExitCode> {
  if (state === 'FINISHED') {
    if (isJson) say({ event: 'finished', jobId, durationMs: duration })
    else process.stdout.write(`${name} finished in ${formatDuration(duration)}\n`)
    return exitCode.ok
  }
  if (state === 'CANCELED') {
    if (isJson) say({ event: 'canceled', jobId })
    else process.stderr.write(`headrace: ${name} was cancelled\n`)
    return exitCode.failed
  }
  const [failure] = (await client.failures(jobId)).exceptionHistory.entries
  const why = failure === undefined ? 'the cluster did not say why' : plainMessage(failure.stacktrace)
  if (!isJson) throw new StreamError('USER_FUNCTION_FAILED', `${name} failed: ${why}`, { place: { job: name } })
  say({ event: 'failed', jobId, error: why })
  return exitCode.failed
}

const say = (event: object): void => void process.stdout.write(`${JSON.stringify(event)}\n`)
