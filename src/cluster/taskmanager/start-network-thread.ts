/**
 * The TaskManager's side of its network thread, an adapter over one Worker.
 *
 * What always holds: a thread that ends unasked is told of once by `onLost`; after close() nothing is told any more.
 */
import { setFlagsFromString } from 'node:v8'
import { type MessagePort, Worker } from 'node:worker_threads'
import { ownModule } from '../../base/bundle/own-module.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import { mustBeSafe } from '../rpc/grpc-transport.ts'
import type { NetworkEvents, NetworkService, StartNetwork } from '../rpc/network-service.ts'
import type { FromNetwork, ToNetwork } from './network-messages.ts'

/**
 * gRPC makes some buffers for each message, of a quarter of a megabyte, and V8 counts them with the heap: on a heap as small as this
 * thread's it marked all of it each 10 MB that came or went, which was three quarters of the processor time of a channel. With room to
 * begin with it never does, and a small young generation gives the buffers back soon.
 */
const heapMb = 128
/** The flag is the process's; threads that start later choose for themselves. */
const startHeapWith = (mb: number): void => setFlagsFromString(`--initial-old-space-size=${mb}`)
const resourceLimits = { maxYoungGenerationSizeMb: 1 }

export const startNetworkThread: StartNetwork = (options, events) =>
  new Promise((resolve, reject) => {
    mustBeSafe(options.listen, options)
    startHeapWith(heapMb)
    const worker = new Worker(ownModule('network-thread'), { workerData: options, name: 'network', resourceLimits })
    let isOver = false
    let dataAddress: string | undefined
    const over = (error: StreamError): void => {
      if (isOver) return
      isOver = true
      if (dataAddress === undefined) reject(error)
      else events.onLost(error)
    }
    worker.once('online', () => startHeapWith(0))
    worker.on('message', (message: FromNetwork) => {
      if (isOver) return
      if (message.say === 'broken') tellBroken(message, events)
      else if (message.say === 'failed') over(StreamError.fromWire(message.error))
      else {
        dataAddress = message.dataAddress
        const close = async (): Promise<void> => {
          isOver = true
          await worker.terminate()
        }
        resolve(serviceOf(worker, dataAddress, close))
      }
    })
    worker.on('error', (thrown) => over(lost(thrown)))
    worker.on('exit', (code) => over(lost(new Error(`it ended with exit code ${code}`))))
  })

function serviceOf(worker: Worker, dataAddress: string, close: () => Promise<void>): NetworkService {
  const post = (message: ToNetwork, transfer: readonly MessagePort[] = []): void => worker.postMessage(message, transfer)
  return {
    dataAddress,
    add: (attempt) => post({ do: 'add', attempt }, [...attempt.ports.values()] as MessagePort[]),
    remove: (jobId, attempt) => post({ do: 'remove', jobId, attempt }),
    close,
  }
}

function tellBroken(message: Extract<FromNetwork, { say: 'broken' }>, events: NetworkEvents): void {
  events.onBroken(message.jobId, message.attempt, message.slots, StreamError.fromWire(message.error))
}

function lost(cause: Error): StreamError {
  return new StreamError('TASK_LOST', `The network thread of this TaskManager is gone, with all channels to others: ${cause.message}`, {
    hint: 'The TaskManager has to be started again; its jobs go on elsewhere.',
    cause,
  })
}
