/**
 * The gateway that REST asks, made of the Dispatcher, the ResourceManager and this process.
 */
import { createReadStream } from 'node:fs'
import path from 'node:path'
import type { Config } from '../../base/core/config-options.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { Dispatcher } from '../../cluster/dispatcher/dispatcher.ts'
import type { ResourceManager } from '../../cluster/resourcemanager/resource-manager.ts'
import type { DispatcherGateway } from '../../cluster/rpc/dispatcher-gateway.ts'
import { logFilesOf, processMetrics } from './cluster-process.ts'

export interface GatewayParts {
  readonly config: Config
  readonly dispatcher: Dispatcher
  readonly resourceManager: ResourceManager
  readonly version: string
  /** Of the log. */
  readonly file: string | undefined
  readonly shutDown: (reason: string) => void
}

export function gatewayOf({ config, dispatcher, resourceManager, version, file, shutDown }: GatewayParts): DispatcherGateway {
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
