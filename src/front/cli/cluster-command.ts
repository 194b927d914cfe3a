/**
 * `headrace cluster start` and `stop`: a JobManager and TaskManagers on this machine, in the background.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { type Config, configValue } from '../../base/core/config-options.ts'
import { formatDuration } from '../../base/core/duration.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import { RestClient } from '../client/rest-client.ts'
import { clusterConfig } from '../entrypoint/cluster-config.ts'
import { type ClusterState, homeFolder, readClusterState, removeClusterState, writeClusterState } from './cluster-state.ts'
import { definesOf } from './define-options.ts'
import { type ExitCode, exitCode } from './exit-code.ts'
import { type ParsedOptions, UsageError } from './parse-options.ts'

const startTimeoutMs = 30_000
const stopTimeoutMs = 10_000
const pollMs = 15

export async function clusterCommand(parsed: ParsedOptions): Promise<ExitCode> {
  const [action, ...more] = parsed.operands
  if ((action !== 'start' && action !== 'stop') || more.length > 0)
    throw new UsageError(
      `headrace cluster needs to be told one thing, and got: ${parsed.operands.join(' ') || 'nothing'}`,
      'headrace cluster start, or headrace cluster stop',
    )
  return action === 'start' ? start(parsed) : stop(parsed)
}

async function start(parsed: ParsedOptions): Promise<ExitCode> {
  const beganMs = Date.now()
  const running = await runningCluster()
  if (running !== undefined)
    throw new StreamError('INVALID_ARGUMENT', `A cluster runs already, at ${running.restUrl}`, {
      hint: 'End it with: headrace cluster stop',
    })
  const taskManagers = countOf(parsed)
  const file = parsed.options.get('--config')?.[0]
  const defines = definesOf(parsed)
  const { config, warnings } = clusterConfig(file, defines)
  for (const warning of warnings) process.stderr.write(`headrace: warning: ${warning}\n`)
  const slots =
    config['taskmanager.numberOfTaskSlots'] === undefined ? availableParallelism() : configValue(config, 'taskmanager.numberOfTaskSlots')
  const restPort = await portOf(config, 'rest.port')
  const given = {
    ...{ ...defines, 'taskmanager.numberOfTaskSlots': String(slots), 'rest.port': String(restPort), 'rest.bind-port': String(restPort) },
    'jobmanager.rpc.port': String(await portOf(config, 'jobmanager.rpc.port')),
  }
  const logs = path.join(homeFolder(), 'logs')
  mkdirSync(logs, { recursive: true })
  const words = [
    ...(file === undefined ? [] : ['--config', path.resolve(file)]),
    ...Object.entries(given).flatMap(([key, value]) => ['-D', `${key}=${value}`]),
  ]
  const names = ['jobmanager', ...Array.from({ length: taskManagers }, () => 'taskmanager')] as readonly ('jobmanager' | 'taskmanager')[]
  const processes = names.map((name, i) => begin(name, words, logs, name === 'jobmanager' ? name : `taskmanager-${i}`))
  const client = new RestClient(`http://${configValue(config, 'rest.address') ?? '127.0.0.1'}:${restPort}`)
  try {
    await registered(client, slots * taskManagers, processes)
  } catch (thrown) {
    for (const { child } of processes) child.kill('SIGKILL')
    throw thrown
  }
  writeClusterState({
    ...{ restUrl: client.url, startedMs: beganMs, logs },
    processes: processes.map(({ name, child }) => ({ name, pid: child.pid! })),
  })
  for (const { child } of processes) child.unref()
  const durationMs = Date.now() - beganMs
  if (parsed.options.has('--json'))
    say(JSON.stringify({ restUrl: client.url, slots: slots * taskManagers, taskManagers, durationMs, logs }))
  else say(`cluster with ${slots * taskManagers} slots, ready in ${formatDuration(durationMs)}: ${client.url}\nlogs: ${logs}`)
  return exitCode.ok
}

interface Begun {
  readonly name: 'jobmanager' | 'taskmanager'
  readonly child: ChildProcess
  readonly out: string
}

function begin(name: Begun['name'], words: readonly string[], logs: string, logName: string): Begun {
  const out = path.join(logs, `${logName}.out`)
  const descriptor = openSync(out, 'w')
  try {
    const child = spawn(process.execPath, [...process.execArgv, process.argv[1]!, name, ...words], {
      detached: true,
      stdio: ['ignore', descriptor, descriptor],
      env: { ...process.env, HEADRACE_LOG_FILE: path.join(logs, `${logName}.log`) },
    })
    return { name, child, out }
  } finally {
    closeSync(descriptor)
  }
}

/** Resolves when that many slots are registered; rejects when one of the processes ends before. */
async function registered(client: RestClient, slots: number, processes: readonly Begun[]): Promise<void> {
  const deadline = Date.now() + startTimeoutMs
  for (;;) {
    const over = processes.find(({ child }) => child.exitCode !== null || child.signalCode !== null)
    if (over !== undefined)
      throw new StreamError(
        'IO_FAILED',
        `The ${over.name} ended while the cluster was started:\n${readFileSync(over.out, 'utf8').trim()}`,
        { hint: `See ${over.out}` },
      )
    const overview = await client.overview().catch((thrown) => {
      if (thrown instanceof StreamError && thrown.code === 'PEER_UNREACHABLE') return undefined
      throw thrown
    })
    if (overview !== undefined && overview['slots-total'] >= slots) return
    if (Date.now() > deadline)
      throw new StreamError(
        'IO_FAILED',
        `The cluster has ${overview?.['slots-total'] ?? 0} of ${slots} slots after ${formatDuration(startTimeoutMs)}`,
        {
          hint: `Its processes write to ${path.dirname(processes[0]!.out)}`,
        },
      )
    await new Promise((resolve) => setTimeout(resolve, pollMs))
  }
}

async function stop(parsed: ParsedOptions): Promise<ExitCode> {
  const state = readClusterState()
  if (state === undefined)
    throw new StreamError('PEER_UNREACHABLE', 'No cluster was started here', {
      hint: `headrace cluster start writes where it is to ${homeFolder()}.`,
    })
  await new RestClient(state.restUrl).shutDown().catch((thrown) => {
    // Its processes are ended all the same.
    if (!(thrown instanceof StreamError) || thrown.code !== 'PEER_UNREACHABLE') throw thrown
  })
  const deadline = Date.now() + stopTimeoutMs
  for (const one of state.processes) {
    while (isOurs(one) && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, pollMs))
    if (isOurs(one)) process.kill(one.pid, 'SIGKILL')
  }
  removeClusterState()
  return say(parsed.options.has('--json') ? JSON.stringify({ restUrl: state.restUrl }) : `stopped the cluster at ${state.restUrl}`)
}

/** The cluster of the state file, if it answers. A file of one that is gone is no obstacle. */
async function runningCluster(): Promise<ClusterState | undefined> {
  const state = readClusterState()
  if (state === undefined || !state.processes.some(isOurs)) return undefined
  return state
}

/** The process lives, and its id was not given to another since. */
function isOurs({ pid, name }: ClusterState['processes'][number]): boolean {
  try {
    return execFileSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).includes(
      ` ${name}`,
    )
  } catch {
    // ps finds none.
    return false
  }
}

function countOf({ options }: ParsedOptions): number {
  const text = options.get('--taskmanagers')?.[0] ?? '1'
  const count = Number(text)
  if (!Number.isInteger(count) || count < 1) throw new UsageError(`--taskmanagers ${text} is no number of TaskManagers`)
  return count
}

/** The port of the configuration; a free one where it says 0, since all processes must know it. */
async function portOf(config: Config, key: 'rest.port' | 'jobmanager.rpc.port'): Promise<number> {
  const port = configValue(config, key)
  if (port !== 0) return port
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port: free } = server.address() as { readonly port: number }
      server.close(() => resolve(free))
    })
  })
}

function say(text: string): ExitCode {
  process.stdout.write(`${text}\n`)
  return exitCode.ok
}
