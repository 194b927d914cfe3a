/**
 * The JobManager process: Dispatcher, ResourceManager, a JobMaster a job, the packages and REST, wired to this machine. No user code runs
 * in it.
 */
import { randomBytes } from 'node:crypto'
import path from 'node:path'
import { ownModule, ownVersion } from '../../base/bundle/own-module.ts'
import { type Config, configValue, isIdleOnOneMachine } from '../../base/core/config-options.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import { systemClock } from '../../base/core/system-clock.ts'
import { LocalFileSystem } from '../../base/filesystem/local-file-system.ts'
import { ArchiveStore } from '../../cluster/dispatcher/archive-store.ts'
import type { SlotsForJob } from '../../cluster/dispatcher/cluster-job.ts'
import { Dispatcher } from '../../cluster/dispatcher/dispatcher.ts'
import { type JobProcesses, jobProcesses } from '../../cluster/dispatcher/fork-job-process.ts'
import { PackageStore } from '../../cluster/dispatcher/package-store.ts'
import type { HighAvailability } from '../../cluster/ha/high-availability.ts'
import { memoryStore } from '../../cluster/ha/memory-store.ts'
import { ClusterSlotPool, clusterSlotPoolSettingsOf } from '../../cluster/jobmanager/cluster-slot-pool.ts'
import { ResourceManager, resourceManagerSettingsOf } from '../../cluster/resourcemanager/resource-manager.ts'
import { standaloneProvider } from '../../cluster/resourcemanager/resource-provider.ts'
import { grpcTransport } from '../../cluster/rpc/grpc-transport.ts'
import { staleSession } from '../../cluster/rpc/stale-session.ts'
import type { Accept, Transport } from '../../cluster/rpc/transport.ts'
import { serveRest } from '../rest/rest-server.ts'
import { type ClusterProcess, logFile, loopback, ownTemporaryFolder, restTls, securityOf } from './cluster-process.ts'
import { gatewayOf } from './jobmanager-gateway.ts'
import { type ProcessLog, processLog } from './process-log.ts'

const keptArchives = 200
const newId = (): string => randomBytes(16).toString('hex')

export async function startJobManager(config: Config): Promise<ClusterProcess> {
  const version = ownVersion()
  const file = logFile(config, 'jobmanager')
  const host = configValue(config, 'jobmanager.bind-host') ?? loopback
  const restHost = configValue(config, 'rest.bind-address') ?? loopback
  // Before anything listens.
  const tls = restTls(config, restHost)
  const log = processLog('jobmanager', config, file)
  const transport = grpcTransport({ version, ...securityOf(config) })
  const folder = ownTemporaryFolder(config, 'jobmanager')
  const fileSystem = new LocalFileSystem()
  const packages = new PackageStore({
    ...{ fileSystem, folder: path.join(folder, 'packages'), maxBytes: configValue(config, 'job-process.package-size') },
  })
  const listenAt = `${host}:${configValue(config, 'jobmanager.rpc.port')}`
  const sessionId = await elected(memoryStore(newId), listenAt, () => shutDown('it leads no more'))
  const resourceManager = new ResourceManager({
    ...resourceManagerSettingsOf(config),
    ...{ clock: systemClock, sessionId, provider: standaloneProvider, newAllocationId: newId, newWorkerId: newId },
    onTaskManagers: (count) => log.info('task managers', { count }),
  })
  const pools = new JobPools({ config, version, transport })
  const server = await transport.listen(listenAt, {
    ...resourceManager.acceptors,
    slots: (link, hello) => pools.accept(link, hello),
    package: (id) => packages.read(id),
  })
  const port = server.address.slice(server.address.lastIndexOf(':') + 1)
  // What TaskManagers on other machines call it.
  const address = `${configValue(config, 'jobmanager.rpc.address') ?? loopback}:${port}`
  const slotsFor = pools.slotsAt(address)
  const processes = jobProcesses({ entry: ownModule('job-process'), heapSizeBytes: configValue(config, 'job-process.heap-size') })
  const archives = archiveStore(config, fileSystem, log)
  await archives.load()
  const dispatcher = dispatcherOf({ config, log, packages, processes, archives, fileSystem, folder, slotsFor, version })
  const ended = Promise.withResolvers<void>()
  let isEnding = false
  const shutDown = (reason: string): void => {
    if (isEnding) return
    isEnding = true
    log.info('shutting down', { reason })
    resourceManager.shutDownTaskManagers(reason)
    processes.close()
    dispatcher.close(new StreamError('CANCELLED', `The cluster was shut down: ${reason}`))
    const end = async (): Promise<void> => {
      await rest.close()
      await resourceManager.close()
      await server.close()
    }
    // Whoever asked is answered, and the TaskManagers hear it.
    setTimeout(() => void end().then(ended.resolve, ended.reject), 50)
  }
  const gateway = gatewayOf({ config, dispatcher, resourceManager, version, file, shutDown })
  const rest = await serveRest({
    ...{ gateway, clock: systemClock, fileSystem, newId, config, host: restHost },
    port: config['rest.port'] === undefined ? Number(configValue(config, 'rest.bind-port')) : configValue(config, 'rest.port'),
    uploadFolder: configValue(config, 'web.upload.dir') ?? path.join(folder, 'uploads'),
    ...(tls && { tls }),
  })
  log.info('ready', { rest: rest.url, rpc: server.address, version })
  return { greeting: `JobManager: REST at ${rest.url}, TaskManagers at ${server.address}`, ended: ended.promise, shutDown }
}

/** The slots of the jobs that run here: what TaskManagers say goes to that of its job. */
class JobPools {
  readonly #options: { readonly config: Config; readonly version: string; readonly transport: Transport }
  readonly #pools = new Map<string, ClusterSlotPool>()

  constructor(options: { readonly config: Config; readonly version: string; readonly transport: Transport }) {
    this.#options = options
  }

  readonly accept: Accept<'slots'> = (link, hello) => {
    const pool = this.#pools.get(hello.jobId ?? '')
    if (pool === undefined) throw staleSession('JobMaster')
    pool.accept(link, hello)
  }

  /** `address`: where TaskManagers find the managers of this process. */
  slotsAt(address: string): SlotsForJob {
    const { config, version, transport } = this.#options
    return ({ jobId, jobName, program }) => {
      const pool = new ClusterSlotPool({
        ...clusterSlotPoolSettingsOf(config),
        ...{ jobId, jobName, program, version, transport, clock: systemClock, random: Math.random },
        jobMaster: { address, sessionId: newId() },
        resourceManager: () => address,
      })
      this.#pools.set(jobId, pool)
      return {
        pool,
        close: () => {
          this.#pools.delete(jobId)
          pool.close()
        },
      }
    }
  }
}

/** The session of this process's leadership. */
function elected(ha: HighAvailability, address: string, revoked: () => void): Promise<string> {
  return new Promise((granted) => void ha.stand('jobmanager', address, { granted, revoked }))
}

function archiveStore(config: Config, fileSystem: LocalFileSystem, log: ProcessLog): ArchiveStore {
  const folder = configValue(config, 'jobmanager.archive.fs.dir')
  return new ArchiveStore({
    ...{ fileSystem, most: keptArchives, ...(folder !== undefined && { folder }) },
    onProblem: (error) => log.warn('archive', { error: error.message, ...error.place }),
  })
}

interface DispatcherParts {
  readonly config: Config
  readonly log: ProcessLog
  readonly packages: PackageStore
  readonly processes: JobProcesses
  readonly archives: ArchiveStore
  readonly fileSystem: LocalFileSystem
  readonly folder: string
  readonly slotsFor: SlotsForJob
  readonly version: string
}

function dispatcherOf({ config, log, packages, processes, archives, fileSystem, folder, slotsFor, version }: DispatcherParts): Dispatcher {
  return new Dispatcher({
    environment: {
      ...{ clock: systemClock, fileSystem, random: Math.random, yieldTo: (callback) => void setImmediate(callback) },
      ...{ headrace: version, temporaryFolder: path.join(folder, 'state'), slotsFor },
      print: (jobId, stream, line) => log.info('print', { jobId, stream, line }),
    },
    ...{ packages, archives },
    // Those that are about processes are nothing to a job.
    config: Object.fromEntries(Object.entries(config).filter(([key]) => !isIdleOnOneMachine(key))),
    mainTimeoutMs: configValue(config, 'job-process.main-timeout'),
    newJobId: newId,
    newSeed: () => ({ timeMs: Date.now(), random: Math.floor(Math.random() * 2 ** 32) }),
    startProcess: (file) => processes.start(file, (stream, line) => log.info('main', { file, stream, line })),
    onWarning: (text) => log.warn('program', { text }),
    log: (event, fields) => log.info(event, fields),
  })
}
