/**
 * Whether and when a job that failed is run again. Pure: failures and the time go in, a verdict comes out; the random part of a
 * pause comes from the function given.
 *
 * What always holds: failures while a restart is pending (between the verdict and `restarted`) count once, and get the verdict
 * of the first of them.
 */
import { type Config, configValue } from '../../base/core/config-options.ts'
import { formatDuration } from '../../base/core/duration.ts'

export type RestartSettings =
  | { readonly type: 'none' }
  | { readonly type: 'fixed-delay'; readonly attempts: number; readonly delayMs: number }
  | {
      readonly type: 'exponential-delay'
      readonly initialBackoffMs: number
      readonly maxBackoffMs: number
      readonly multiplier: number
      /** Without a failure for so long, the pause is the first one again. */
      readonly resetThresholdMs: number
      /** The pause varies by this part of it, up and down. */
      readonly jitterFactor: number
      /** Restarts allowed before the threshold resets their count. */
      readonly attempts: number
    }
  | { readonly type: 'failure-rate'; readonly maxFailures: number; readonly intervalMs: number; readonly delayMs: number }

/** `atMs`: earliest time of the restart. `reason`: why there is none, for the job's error; absent where none was asked for. */
export type RestartVerdict = { readonly restart: true; readonly atMs: number } | { readonly restart: false; readonly reason?: string }

export class RestartStrategy {
  readonly #settings: RestartSettings
  readonly #random: () => number
  #pending: RestartVerdict | undefined
  #attempts = 0
  #restartAtMs = Number.NEGATIVE_INFINITY
  #failuresMs: number[] = []

  /** `random` gives numbers from 0 to 1, as Math.random. */
  constructor(settings: RestartSettings, random: () => number) {
    this.#settings = settings
    this.#random = random
  }

  /** `nowMs` never falls from call to call. */
  onFailure(nowMs: number): RestartVerdict {
    this.#pending ??= this.#decide(nowMs)
    return this.#pending
  }

  /** The job runs again: the next failure is a new one. */
  restarted(): void {
    this.#pending = undefined
  }

  #decide(nowMs: number): RestartVerdict {
    const settings = this.#settings
    switch (settings.type) {
      case 'none':
        return { restart: false }
      case 'fixed-delay':
        if (++this.#attempts > settings.attempts) return noMore('', 'restart-strategy.fixed-delay.attempts', settings.attempts)
        return { restart: true, atMs: nowMs + settings.delayMs }
      case 'failure-rate':
        return this.#byRate(settings, nowMs)
      case 'exponential-delay':
        return this.#exponential(settings, nowMs)
    }
  }

  /** As many failures as are allowed within the interval restart the job; one more does not. */
  #byRate({ maxFailures, intervalMs, delayMs }: RestartSettings & { type: 'failure-rate' }, nowMs: number): RestartVerdict {
    this.#failuresMs = [...this.#failuresMs.filter((atMs) => nowMs - atMs <= intervalMs), nowMs]
    if (this.#failuresMs.length > maxFailures) {
      const within = `${times(this.#failuresMs.length, 'failure')} in ${formatDuration(intervalMs)}`
      return { restart: false, reason: `${within}, and restart-strategy.failure-rate.max-failures-per-interval is ${maxFailures}` }
    }
    return { restart: true, atMs: nowMs + delayMs }
  }

  #exponential(settings: RestartSettings & { type: 'exponential-delay' }, nowMs: number): RestartVerdict {
    if (nowMs - this.#restartAtMs >= settings.resetThresholdMs) this.#attempts = 0
    if (++this.#attempts > settings.attempts) {
      const option = 'restart-strategy.exponential-delay.attempts-before-reset-backoff'
      return noMore(` without ${formatDuration(settings.resetThresholdMs)} of calm between them`, option, settings.attempts)
    }
    const { initialBackoffMs, maxBackoffMs, multiplier, jitterFactor } = settings
    const backoffMs = Math.min(maxBackoffMs, initialBackoffMs * multiplier ** (this.#attempts - 1))
    const jitterMs = backoffMs * jitterFactor * (2 * this.#random() - 1)
    const delayMs = Math.max(initialBackoffMs, Math.min(maxBackoffMs, Math.round(backoffMs + jitterMs)))
    this.#restartAtMs = nowMs + delayMs
    return { restart: true, atMs: this.#restartAtMs }
  }
}

const noMore = (since: string, option: string, allowed: number): RestartVerdict => ({
  restart: false,
  reason: `${times(allowed, 'restart')} so far${since}, and ${option} is ${allowed}`,
})

const times = (count: number, what: string): string => `${count === 0 ? 'no' : count} ${what}${count === 1 ? '' : 's'}`

/** The settings of a configuration. Unset: exponential delay where the job takes checkpoints, else none. */
export function restartSettingsOf(config: Config): RestartSettings {
  const checkpoints = configValue(config, 'execution.checkpointing.interval') !== undefined
  const type = configValue(config, 'restart-strategy.type') ?? (checkpoints ? 'exponential-delay' : 'none')
  switch (type) {
    case 'fixed-delay':
      return {
        type,
        attempts: configValue(config, 'restart-strategy.fixed-delay.attempts'),
        delayMs: configValue(config, 'restart-strategy.fixed-delay.delay'),
      }
    case 'failure-rate':
      return {
        type,
        maxFailures: configValue(config, 'restart-strategy.failure-rate.max-failures-per-interval'),
        intervalMs: configValue(config, 'restart-strategy.failure-rate.failure-rate-interval'),
        delayMs: configValue(config, 'restart-strategy.failure-rate.delay'),
      }
    case 'exponential-delay': {
      const attempts = configValue(config, 'restart-strategy.exponential-delay.attempts-before-reset-backoff')
      return {
        type,
        initialBackoffMs: configValue(config, 'restart-strategy.exponential-delay.initial-backoff'),
        maxBackoffMs: configValue(config, 'restart-strategy.exponential-delay.max-backoff'),
        multiplier: configValue(config, 'restart-strategy.exponential-delay.backoff-multiplier'),
        resetThresholdMs: configValue(config, 'restart-strategy.exponential-delay.reset-backoff-threshold'),
        jitterFactor: configValue(config, 'restart-strategy.exponential-delay.jitter-factor'),
        attempts: attempts === -1 ? Number.POSITIVE_INFINITY : attempts,
      }
    }
    default:
      return { type: 'none' }
  }
}
