/**
 * Two ends that wake each other within one thread, as the two ports of a MessageChannel do between threads.
 */
import type { PingPort } from '../rpc/network-service.ts'

/** Pings arrive after a yield; those that come while one is under way are that one. */
export function pingPorts(yieldTo: (callback: () => void) => void): readonly [PingPort, PingPort] {
  const listeners: [((message: unknown) => void) | undefined, ((message: unknown) => void) | undefined] = [undefined, undefined]
  let isClosed = false
  const port = (own: 0 | 1): PingPort => {
    let isUnderWay = false
    return {
      postMessage() {
        if (isClosed || isUnderWay) return
        isUnderWay = true
        yieldTo(() => {
          isUnderWay = false
          if (!isClosed) listeners[own === 0 ? 1 : 0]?.(0)
        })
      },
      on: (_event, listener) => void (listeners[own] = listener),
      close: () => void (isClosed = true),
    }
  }
  return [port(0), port(1)]
}
