/**
 * What a JobManager and a TaskManager process have in common: how they listen and connect, their log, what they tell of themselves.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { cpus, freemem, tmpdir, totalmem } from 'node:os'
import path from 'node:path'
import { type Config, configValue } from '../../base/core/config-options.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { LogFile } from '../../cluster/rpc/dispatcher-gateway.ts'
import type { GrpcTransportOptions, TlsOptions } from '../../cluster/rpc/grpc-transport.ts'
import type { Hardware } from '../../cluster/rpc/protocols.ts'

export interface ClusterProcess {
  /** One line for whoever started it in the foreground. */
  readonly greeting: string
  /** Resolves when it has shut down; rejects with what ended it. */
  readonly ended: Promise<void>
  shutDown(reason: string): void
}

export const loopback = '127.0.0.1'

/** Gone when the process exits. */
export function ownTemporaryFolder(config: Config, name: string): string {
  const folder = mkdtempSync(path.join(configValue(config, 'io.tmp.dirs')?.split(',')[0] ?? tmpdir(), `headrace-${name}-`))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Token and TLS between processes. */
export function securityOf(config: Config): Pick<GrpcTransportOptions, 'token' | 'tls'> {
  const token = configValue(config, 'security.deploy-token')
  return {
    ...(token !== undefined && { token }),
    ...(configValue(config, 'security.ssl.internal.enabled') && { tls: internalTls(config) }),
  }
}

function internalTls(config: Config): TlsOptions {
  const part = (key: 'certificate' | 'key' | 'authority'): string => pem(config, `security.ssl.internal.${key}`)
  return { certificate: part('certificate'), key: part('key'), authority: part('authority'), mutual: true }
}

/** REST on an address that other machines reach has no token: it must have TLS. */
export function restTls(config: Config, host: string): { readonly cert: string; readonly key: string } | undefined {
  if (configValue(config, 'security.ssl.rest.enabled'))
    return { cert: pem(config, 'security.ssl.rest.certificate'), key: pem(config, 'security.ssl.rest.key') }
  if (host === 'localhost' || host === '::1' || /^127\./.test(host)) return undefined
  throw new StreamError(
    'INVALID_CONFIG',
    `REST on ${host} can be reached from other machines, and whoever reaches it could run programs here`,
    {
      hint: 'Set security.ssl.rest.enabled with a certificate and a key, or let rest.bind-address be 127.0.0.1 and reach it through a tunnel.',
      place: { option: 'rest.bind-address' },
    },
  )
}

type PemKey = `security.ssl.internal.${'certificate' | 'key' | 'authority'}` | `security.ssl.rest.${'certificate' | 'key'}`

function pem(config: Config, option: PemKey): string {
  const file = configValue(config, option)
  if (file === undefined)
    throw new StreamError('INVALID_CONFIG', `${option} is not set, and TLS is enabled`, { hint: 'It names a PEM file.', place: { option } })
  try {
    return readFileSync(file, 'utf8')
  } catch (thrown) {
    throw new StreamError('INVALID_CONFIG', `${option}: ${(thrown as Error).message}`, { cause: thrown, place: { option, file } })
  }
}

export const hardware = (): Hardware => ({ cpuCores: cpus().length, memoryBytes: totalmem(), freeMemoryBytes: freemem() })

let lastCpu = process.cpuUsage()
let lastNs = process.hrtime.bigint()

/** By Flink's names. The load is since the last call. */
export function processMetrics(): Record<string, number> {
  const memory = process.memoryUsage()
  const [cpu, nowNs] = [process.cpuUsage(lastCpu), process.hrtime.bigint()]
  const load = (cpu.user + cpu.system) / Math.max(1, Number(nowNs - lastNs) / 1000) / cpus().length
  lastCpu = process.cpuUsage()
  lastNs = nowNs
  return {
    'Status.JVM.CPU.Load': Math.min(1, load),
    'Status.JVM.CPU.Time': (lastCpu.user + lastCpu.system) * 1000,
    'Status.JVM.Memory.Heap.Used': memory.heapUsed,
    'Status.JVM.Memory.Heap.Committed': memory.heapTotal,
    'Status.JVM.Memory.NonHeap.Used': memory.external,
    'Status.JVM.Memory.NonHeap.Committed': memory.rss,
    'Status.JVM.Memory.Direct.MemoryUsed': memory.arrayBuffers,
  }
}

/** Where this process's log is; absent: it goes to the console. The command line says it for processes that it starts. */
export const logFile = (config: Config, name: string): string | undefined => {
  const folder = configValue(config, 'env.log.dir')
  return process.env.HEADRACE_LOG_FILE ?? (folder === undefined ? undefined : path.join(folder, `${name}.log`))
}

/** The log and what stands beside it under the same name. */
export async function logFilesOf(log: string | undefined): Promise<readonly LogFile[]> {
  if (log === undefined) return []
  const { dir, name } = path.parse(log)
  const names = (await readdir(dir)).filter((each) => path.parse(each).name === name)
  return Promise.all(
    names.map(async (each) => {
      const { size, mtimeMs } = await stat(path.join(dir, each))
      const purpose = each.endsWith('.log') ? 'log' : each.endsWith('.out') ? 'stdout' : undefined
      return { name: each, sizeBytes: size, modifiedMs: mtimeMs, ...(purpose && { purpose }) } as const
    }),
  )
}
