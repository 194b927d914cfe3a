/**
 * The JobManager process: Dispatcher, ResourceManager, a JobMaster a job, the packages and REST, wired to this machine. No user code runs
 * in it.
 */
import { randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { ownModule, ownVersion } from '../../base/bundle/own-module.ts'
import { type Config, configValue, isIdleOnOneMachine } from '../../base/core/config-options.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import { systemClock } from '../../base/core/system-clock.ts'
import { LocalFileSystem } from '../../base/filesystem/local-file-system.ts'
import { ArchiveStore } from '../../cluster/dispatcher/archive-store.ts'
import type { SlotsForJob } from '../../cluster/dispatcher/cluster-job.ts'
import { Dispatcher } from '../../cluster/dispatcher/dispatcher.ts'
import { forkJobProcess } from '../../cluster/dispatcher/fork-job-process.ts'
import { PackageStore } from '../../cluster/dispatcher/package-store.ts'
import { memoryStore } from '../../cluster/ha/memory-store.ts'
import { ClusterSlotPool, clusterSlotPoolSettingsOf } from '../../cluster/jobmanager/cluster-slot-pool.ts'
import { ResourceManager, resourceManagerSettingsOf } from '../../cluster/resourcemanager/resource-manager.ts'
import { standaloneProvider } from '../../cluster/resourcemanager/resource-provider.ts'
import type { DispatcherGateway } from '../../cluster/rpc/dispatcher-gateway.ts'
import { grpcTransport } from '../../cluster/rpc/grpc-transport.ts'
import { staleSession } from '../../cluster/rpc/stale-session.ts'
import { serveRest } from '../rest/rest-server.ts'
import { type ClusterProcess, logFile, logFilesOf, loopback, processMetrics, restTls, securityOf } from './cluster-process.ts'
import { type ProcessLog, processLog } from './process-log.ts'

const keptArchives = 200
const newId = (): string => randomBytes(16).toString('hex')

export async function startJobManager(config: Config): Promise<ClusterProcess> {
  const version = ownVersion()
  const file = logFile(config, 'jobmanager')
  const host = configValue(config, 'jobmanager.bind-host') ?? loopback
  const log = processLog('jobmanager', config, file)
  const transport = grpcTransport({ version, ...securityOf(config) })
  const folder = await mkdtemp(path.join(configValue(config, 'io.tmp.dirs')?.split(',')[0] ?? tmpdir(), 'headrace-jobmanager-'))
  const fileSystem = new LocalFileSystem()
  const packages = new PackageStore({
    ...{ fileSystem, folder: path.join(folder, 'packages'), maxBytes: configValue(config, 'job-process.package-size') },
  })
  const ha = memoryStore(newId)
  const sessionId = await new Promise<string>((granted) => {
    ha.stand('jobmanager', `${host}:${configValue(config, 'jobmanager.rpc.port')}`, {
      granted,
      revoked: () => shutDown('it leads no more'),
    })
  })
  const resourceManager = new ResourceManager({
    ...resourceManagerSettingsOf(config),
    ...{ clock: systemClock, sessionId, provider: standaloneProvider, newAllocationId: newId, newWorkerId: newId },
    onTaskManagers: (count) => log.info('task managers', { count }),
  })
  const pools = new Map<string, ClusterSlotPool>()
  const server = await transport.listen(`${host}:${configValue(config, 'jobmanager.rpc.port')}`, {
    ...resourceManager.acceptors,
    slots(link, hello) {
      const pool = pools.get(hello.jobId ?? '')
      if (pool === undefined) throw staleSession('JobMaster')
      pool.accept(link, hello)
    },
    package: (id) => packages.read(id),
  })
  const port = server.address.slice(server.address.lastIndexOf(':') + 1)
  // What TaskManagers on other machines call it.
  const address = `${configValue(config, 'jobmanager.rpc.address') ?? loopback}:${port}`
  const slotsFor: SlotsForJob = ({ jobId, jobName, program }) => {
    const pool = new ClusterSlotPool({
      ...clusterSlotPoolSettingsOf(config),
      ...{ jobId, jobName, program, version, transport, clock: systemClock, random: Math.random },
      jobMaster: { address, sessionId: newId() },
      resourceManager: () => address,
    })
    pools.set(jobId, pool)
    return {
      pool,
      close() {
        pools.delete(jobId)
        pool.close()
      },
    }
  }
  const archives = archiveStore(config, fileSystem, log)
  await archives.load()
  const dispatcher = dispatcherOf({ config, log, packages, archives, fileSystem, folder, slotsFor, version })
  const ended = Promise.withResolvers<void>()
  let isEnding = false
  const shutDown = (reason: string): void => {
    if (isEnding) return
    isEnding = true
    log.info('shutting down', { reason })
    resourceManager.shutDownTaskManagers(reason)
    dispatcher.close(new StreamError('CANCELLED', `The cluster was shut down: ${reason}`))
    const end = async (): Promise<void> => {
      await rest.close()
      await resourceManager.close()
      await server.close()
      await rm(folder, { recursive: true, force: true })
    }
    // Whoever asked is answered, and the TaskManagers hear it.
    setTimeout(() => void end().then(ended.resolve, ended.reject), 50)
  }
  const gateway = gatewayOf({ config, dispatcher, resourceManager, version, file, shutDown })
  const restHost = configValue(config, 'rest.bind-address') ?? loopback
  const tls = restTls(config, restHost)
  const rest = await serveRest({
    ...{ gateway, clock: systemClock, fileSystem, newId, config, host: restHost },
    port: config['rest.port'] === undefined ? Number(configValue(config, 'rest.bind-port')) : configValue(config, 'rest.port'),
    uploadFolder: configValue(config, 'web.upload.dir') ?? path.join(folder, 'uploads'),
    ...(tls && { tls }),
  })
  log.info('ready', { rest: rest.url, rpc: server.address, version })
  return { greeting: `JobManager: REST at ${rest.url}, TaskManagers at ${server.address}`, ended: ended.promise, shutDown }
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
  readonly archives: ArchiveStore
  readonly fileSystem: LocalFileSystem
  readonly folder: string
  readonly slotsFor: SlotsForJob
  readonly version: string
}

function dispatcherOf({ config, log, packages, archives, fileSystem, folder, slotsFor, version }: DispatcherParts): Dispatcher {
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
    startProcess: (file) =>
      forkJobProcess({
        entry: ownModule('job-process'),
        heapSizeBytes: configValue(config, 'job-process.heap-size'),
        file,
        onLine: (stream, line) => log.info('main', { file, stream, line }),
      }),
    onWarning: (text) => log.warn('program', { text }),
    log: (event, fields) => log.info(event, fields),
  })
}

interface GatewayParts {
  readonly config: Config
  readonly dispatcher: Dispatcher
  readonly resourceManager: ResourceManager
  readonly version: string
  /** Of the log. */
  readonly file: string | undefined
  readonly shutDown: (reason: string) => void
}

function gatewayOf({ config, dispatcher, resourceManager, version, file, shutDown }: GatewayParts): DispatcherGateway {
  const noFile = (name: string): StreamError => new StreamError('FILE_NOT_FOUND', `There is no log file ${name}`)
  const mustBeKnown = (of: Parameters<DispatcherGateway['logFiles']>[0]): boolean => {
    if (of === 'jobmanager') return true
    if (resourceManager.taskManagers().some(({ taskManagerId }) => taskManagerId === of.taskManagerId)) return false
    throw new StreamError('FILE_NOT_FOUND', `There is no TaskManager ${of.taskManagerId}`)
  }
  return {
    jobs: () => dispatcher.jobs(),
    job: (jobId) => dispatcher.job(jobId),
    submit: (program) => dispatcher.submit(program),
    plan: (program) => dispatcher.plan(program),
    cancel: (jobId) => dispatcher.cancel(jobId),
    triggerCheckpoint: (jobId) => dispatcher.triggerCheckpoint(jobId),
    triggerSavepoint: (jobId, options) => dispatcher.triggerSavepoint(jobId, options),
    stopWithSavepoint: (jobId, options) => dispatcher.stopWithSavepoint(jobId, options),
    disposeSavepoint: (folder) => dispatcher.disposeSavepoint(folder),
    taskManagers: async () => resourceManager.taskManagers(),
    config: async () => ({ options: config, version }),
    jobManager: async () => ({
      ...{ pid: process.pid, nodeVersion: process.version, platform: `${process.platform} ${process.arch}`, options: process.execArgv },
      metrics: { ...processMetrics(), ...slotMetrics(resourceManager) },
    }),
    // Those of TaskManagers lie on their machines.
    logFiles: async (of) => (mustBeKnown(of) ? logFilesOf(file) : []),
    async readLogFile(of, name) {
      const found = mustBeKnown(of) ? (await logFilesOf(file)).find((each) => each.name === name) : undefined
      if (found === undefined) throw noFile(name)
      return createReadStream(path.join(path.dirname(file!), found.name)) as AsyncIterable<Uint8Array>
    },
    shutDown: async () => shutDown('it was asked for over REST'),
  }
}

function slotMetrics(resourceManager: ResourceManager): Readonly<Record<string, number>> {
  const taskManagers = resourceManager.taskManagers()
  const slots = taskManagers.flatMap((each) => each.slots)
  return {
    numRegisteredTaskManagers: taskManagers.length,
    taskSlotsTotal: slots.length,
    taskSlotsAvailable: slots.filter(({ allocation }) => allocation === undefined).length,
  }
}
