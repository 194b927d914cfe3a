/**
 * The network of one TaskManager in the thread that calls this: a relay, and gRPC in front of and behind it.
 */
import { ownVersion } from '../../base/bundle/own-module.ts'
import type { Clock } from '../../base/core/clock.ts'
import { grpcExchange } from '../rpc/exchange-client.ts'
import { serveExchange } from '../rpc/exchange-server.ts'
import type { NetworkAttempt, NetworkEvents, NetworkOptions, NetworkService } from '../rpc/network-service.ts'
import { NetworkRelay } from './network-relay.ts'

export interface NetworkHost {
  readonly clock: Clock
  readonly yieldTo: (callback: () => void) => void
}

/** Rejects with INVALID_CONFIG where the address cannot be listened on. */
export async function serveNetwork(
  options: NetworkOptions,
  { onBroken }: Pick<NetworkEvents, 'onBroken'>,
  { clock, yieldTo }: NetworkHost,
): Promise<NetworkService> {
  const { listen, advertised, taskManagerId, tls, token = '' } = options
  const host = hostOf(listen)
  const relay = new NetworkRelay({
    ...{ taskManagerId, token, clock, yieldTo, onBroken },
    version: ownVersion(),
    connect: grpcExchange(tls),
  })
  const server = await serveExchange(listen, tls, relay.accept)
  return {
    dataAddress: `${advertised ?? host}:${server.port}`,
    add: (attempt: NetworkAttempt) => relay.add(attempt),
    remove: (jobId, attempt) => relay.remove(jobId, attempt),
    close: async () => server.close(),
  }
}

const hostOf = (address: string): string => address.slice(0, address.lastIndexOf(':'))
