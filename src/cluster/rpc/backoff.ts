/**
 * How long to wait before the next attempt to connect: twice as long each time, up to a limit, half of it by chance, so that those who
 * lost the same peer do not all come back at the same moment. Pure but for the numbers that it is given.
 */
export interface BackoffSettings {
  readonly initialMs: number
  readonly maxMs: number
  /** Numbers from 0 to 1. */
  readonly random: () => number
}

export class Backoff {
  readonly #settings: BackoffSettings
  #failures = 0

  constructor(settings: BackoffSettings) {
    this.#settings = settings
  }

  nextMs(): number {
    const { initialMs, maxMs, random } = this.#settings
    const fullMs = Math.min(maxMs, initialMs * 2 ** this.#failures++)
    return fullMs / 2 + (fullMs / 2) * random()
  }

  /** It has worked: the next failure begins anew. */
  reset(): void {
    this.#failures = 0
  }
}
