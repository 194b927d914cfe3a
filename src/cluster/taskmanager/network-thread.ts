/**
 * Where a TaskManager's network thread begins, an adapter: one thread a process, which carries the channels of all its jobs, so that task
 * threads know rings only. start-network-thread.ts is its other side.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { StreamError } from '../../base/core/stream-error.ts'
import type { NetworkOptions } from '../rpc/network-service.ts'
import type { FromNetwork, ToNetwork } from './network-messages.ts'
import { nodeHost } from './node-host.ts'
import { serveNetwork } from './serve-network.ts'

const say = (message: FromNetwork): void => parentPort!.postMessage(message)

try {
  const network = await serveNetwork(
    workerData as NetworkOptions,
    { onBroken: (jobId, attempt, slots, error) => say({ say: 'broken', jobId, attempt, slots, error: error.toWire() }) },
    nodeHost,
  )
  parentPort!.on('message', (message: ToNetwork) => {
    if (message.do === 'add') network.add(message.attempt)
    else if (message.do === 'remove') network.remove(message.jobId, message.attempt)
    else {
      void network.close()
      parentPort!.close()
    }
  })
  say({ say: 'serving', dataAddress: network.dataAddress })
} catch (thrown) {
  say({ say: 'failed', error: StreamError.from(thrown).toWire() })
}
