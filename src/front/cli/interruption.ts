/**
 * ctrl-C and SIGTERM of `headrace run`. From the first job on, the first signal cancels every job that runs and every job
 * that main still starts; a second one ends the process at once. Before the first job the signal ends the process as it
 * does any other, so that a main that hangs can be stopped.
 */
import type { JobClient } from '../../program/api/executor.ts'
import { type ExitCode, exitCode } from './exit-code.ts'

/** As much of `process` as is needed. */
export interface SignalSource {
  on(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown
  exit(code: number): void
}

export class Interruption {
  readonly #signals: SignalSource
  readonly #onFirst: () => void
  readonly #running = new Set<JobClient>()
  #listening = false
  /** The exit code of the signal that came, if one did. */
  code: ExitCode | undefined

  constructor(signals: SignalSource, onFirst: () => void) {
    this.#signals = signals
    this.#onFirst = onFirst
  }

  watch(client: JobClient): void {
    if (!this.#listening) {
      this.#listening = true
      this.#signals.on('SIGINT', () => this.#signalled(exitCode.interrupted))
      this.#signals.on('SIGTERM', () => this.#signalled(exitCode.terminated))
    }
    if (this.code !== undefined) void client.cancel()
    this.#running.add(client)
    const ended = (): void => void this.#running.delete(client)
    client.result.then(ended, ended)
  }

  #signalled(code: ExitCode): void {
    if (this.code !== undefined) {
      this.#signals.exit(code)
      return
    }
    this.code = code
    this.#onFirst()
    for (const client of this.#running) void client.cancel()
  }
}
