/**
 * The machine's own time: the adapter behind Clock in every process that is not simulated. Nothing else reads the machine's clock.
 */
import type { Clock } from './clock.ts'

/** setTimeout calls back at once when asked for more than this, so longer delays are waited for in parts. */
const longestTimeoutMs = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  setTimer(delayMs, callback) {
    let timer: NodeJS.Timeout
    const arm = (leftMs: number): void => {
      const partMs = Math.min(Math.max(0, leftMs), longestTimeoutMs)
      timer = setTimeout(() => (leftMs > partMs ? arm(leftMs - partMs) : callback()), partMs)
    }
    arm(delayMs)
    return { cancel: () => clearTimeout(timer) }
  },
}
