/**
 * When to start and to stop workers, where that is the ResourceManager's to do. Pure.
 *
 * What always holds: no more slots are on their way than are wanting, nor more altogether than allowed; only workers that were started
 * here are stopped here; a worker that was asked for is registered, failed or timed out in the end.
 */
import type { RegisteredWorker } from './registered-worker.ts'
import type { WorkerSettings } from './slot-manager-events.ts'

const minuteMs = 60_000

export class WorkerDemand {
  readonly #settings: WorkerSettings
  readonly #newId: () => string
  /** When each was asked for. */
  readonly #starting = new Map<string, number>()
  readonly #started = new Set<string>()
  #failuresMs: number[] = []

  constructor(settings: WorkerSettings, newId: () => string) {
    this.#settings = settings
    this.#newId = newId
  }

  get isStarting(): boolean {
    return this.#starting.size > 0
  }

  /** The ids of those to start now, for so many slots that are wanting while there are `total`. */
  start(missing: number, total: number, nowMs: number): readonly string[] {
    const { slotsEach, maxSlots, startTimeoutMs, maxStartFailures } = this.#settings
    for (const [id, sinceMs] of [...this.#starting]) if (nowMs - sinceMs >= startTimeoutMs) this.failed(id, nowMs)
    this.#failuresMs = this.#failuresMs.filter((ms) => nowMs - ms < minuteMs)
    if (this.#failuresMs.length >= maxStartFailures) return []
    const coming = this.#starting.size * slotsEach
    const allowed = Math.floor((maxSlots - total - coming) / slotsEach)
    const count = Math.max(0, Math.min(allowed, Math.ceil((missing - coming) / slotsEach)))
    const ids = Array.from({ length: count }, () => this.#newId())
    for (const id of ids) this.#starting.set(id, nowMs)
    return ids
  }

  arrived(id: string): void {
    if (this.#starting.delete(id)) this.#started.add(id)
  }

  failed(id: string, nowMs: number): void {
    if (this.#starting.delete(id)) this.#failuresMs.push(nowMs)
  }

  /** Those that have been without a job for too long. */
  idle(workers: readonly RegisteredWorker[], nowMs: number): readonly string[] {
    return workers.flatMap(({ id, idleSinceMs }) =>
      this.#started.has(id) && idleSinceMs !== undefined && nowMs - idleSinceMs >= this.#settings.idleTimeoutMs ? [id] : [],
    )
  }
}
