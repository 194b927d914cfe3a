/**
 * A TaskManager process: registers its slots with the JobManager, runs what it is given in worker threads, and carries channels to other
 * TaskManagers in a thread of their own.
 */
import { randomBytes } from 'node:crypto'
import { ownVersion } from '../../base/bundle/own-module.ts'
import { type Config, configValue } from '../../base/core/config-options.ts'
import type { StreamError } from '../../base/core/stream-error.ts'
import { systemClock } from '../../base/core/system-clock.ts'
import { LocalFileSystem } from '../../base/filesystem/local-file-system.ts'
import { grpcTransport } from '../../cluster/rpc/grpc-transport.ts'
import type { NetworkOptions } from '../../cluster/rpc/network-service.ts'
import { raiseInliningBudget } from '../../cluster/taskmanager/node-host.ts'
import { startNetworkThread } from '../../cluster/taskmanager/start-network-thread.ts'
import { TaskManager, taskManagerSettingsOf } from '../../cluster/taskmanager/task-manager.ts'
import { threadSlotRunner } from '../../cluster/taskmanager/thread-slot-runner.ts'
import { type ClusterProcess, hardware, logFile, loopback, ownTemporaryFolder, processMetrics, securityOf } from './cluster-process.ts'
import { processLog } from './process-log.ts'

export async function startTaskManager(config: Config): Promise<ClusterProcess> {
  raiseInliningBudget()
  const version = ownVersion()
  const log = processLog('taskmanager', config, logFile(config, `taskmanager-${process.pid}`))
  const transport = grpcTransport({ version, ...securityOf(config) })
  const host = configValue(config, 'taskmanager.host') ?? loopback
  const suffix = randomBytes(3).toString('hex')
  const folder = ownTemporaryFolder(config, 'taskmanager')
  const jobManager = `${configValue(config, 'jobmanager.rpc.address') ?? loopback}:${configValue(config, 'jobmanager.rpc.port')}`
  const ended = Promise.withResolvers<void>()
  // Whoever awaits it may do so later, and is told then.
  ended.promise.catch(() => undefined)
  let isEnding = false
  const close = async (): Promise<void> => {
    taskManager.close()
    await network.close()
  }
  const end = (error?: StreamError): void => {
    if (isEnding) return
    isEnding = true
    log.info('ended', { ...(error && { error: error.message }) })
    close().then(() => (error === undefined ? ended.resolve() : ended.reject(error)), ended.reject)
  }
  const network = await startNetworkThread(networkOptions(config, host, suffix), {
    onBroken(jobId, attempt, slots, error) {
      log.warn('channels broken', { jobId, attempt, slots, error: error.message })
      taskManager.networkBroken(jobId, attempt, slots, error)
    },
    onLost: end,
  })
  const taskManagerId = `${network.dataAddress}-${suffix}`
  const heapSizeBytes = configValue(config, 'taskmanager.memory.task.heap.size')
  const taskManager = new TaskManager({
    ...taskManagerSettingsOf(config),
    ...{ taskManagerId, host, dataAddress: network.dataAddress, pid: process.pid, version, transport, network, hardware },
    ...{ clock: systemClock, random: Math.random, metrics: processMetrics },
    resourceManager: () => jobManager,
    runner: threadSlotRunner({
      ...{ fileSystem: new LocalFileSystem(), folder, ...(heapSizeBytes !== undefined && { heapSizeBytes }) },
      readPackage: (id) => transport.readPackage(jobManager, id, { version, from: taskManagerId }),
    }),
    onRegistered: () => log.info('registered', { taskManagerId, jobManager }),
    onShutDown: (reason) => {
      log.info('told to end', { reason })
      end()
    },
    onRefused: end,
  })
  taskManager.start()
  const slots = configValue(config, 'taskmanager.numberOfTaskSlots')
  return {
    greeting: `TaskManager ${taskManagerId} with ${slots} ${slots === 1 ? 'slot' : 'slots'}, for the JobManager at ${jobManager}`,
    ended: ended.promise,
    shutDown: () => end(),
  }
}

function networkOptions(config: Config, host: string, suffix: string): NetworkOptions {
  const { token, tls } = securityOf(config)
  const bindHost = configValue(config, 'taskmanager.bind-host') ?? loopback
  return {
    ...{ listen: `${bindHost}:${configValue(config, 'taskmanager.data.port')}`, advertised: host, taskManagerId: `${host}-${suffix}` },
    ...(token !== undefined && { token }),
    ...(tls && { tls }),
  }
}
