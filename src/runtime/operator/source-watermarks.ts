/**
 * Event time of one source subtask, pure: a WatermarkState for each split that has an output of its own, combined with the
 * minimum over those that are not idle, and one for what is emitted without a split. The combined watermark never falls;
 * a split that has been released no longer holds time back. Idle: all splits are.
 */
import type { WatermarkStrategy } from '../../program/function/watermark.ts'
import { minWatermark } from './operator.ts'
import { WatermarkState } from './watermark-state.ts'

export class SourceWatermarks<T = unknown> {
  readonly #strategy: WatermarkStrategy<T>
  readonly #splits = new Map<string, WatermarkState<T>>()
  readonly #main: WatermarkState<T>
  #mainUsed = false
  #watermark = minWatermark
  #idle = false
  #holder: string | undefined

  constructor(strategy: WatermarkStrategy<T>) {
    this.#strategy = strategy
    this.#main = new WatermarkState(strategy)
  }

  get watermark(): number {
    return this.#watermark
  }

  get idle(): boolean {
    return this.#idle
  }

  /** The split that holds the minimum; undefined when none does. */
  get holder(): string | undefined {
    return this.#holder
  }

  /** For elements that belong to no split. After changing it call `combine`. */
  forMain(): WatermarkState<T> {
    this.#mainUsed = true
    return this.#main
  }

  /** The state of a split, made at the first call. After changing it call `combine`. */
  forSplit(splitId: string): WatermarkState<T> {
    const known = this.#splits.get(splitId)
    if (known !== undefined) return known
    const state = new WatermarkState(this.#strategy)
    this.#splits.set(splitId, state)
    return state
  }

  /** True: watermark or idle is another now. */
  releaseSplit(splitId: string): boolean {
    return this.#splits.delete(splitId) && this.combine()
  }

  /** The reader says that it is idle, whatever it read last. */
  markIdle(): boolean {
    for (const state of this.#parts()) state.markIdle()
    return this.combine()
  }

  onPeriodic(nowMs: number, backpressured: boolean): boolean {
    // A subtask without splits goes idle too, so the main state is always asked.
    this.#main.onPeriodic(nowMs, backpressured)
    for (const state of this.#splits.values()) state.onPeriodic(nowMs, backpressured)
    return this.combine()
  }

  /** Takes over what the parts say. True: watermark or idle is another now. */
  combine(): boolean {
    let minimum = Number.POSITIVE_INFINITY
    let holder: WatermarkState<T> | undefined
    for (const state of this.#parts()) {
      if (state.idle || state.watermark >= minimum) continue
      minimum = state.watermark
      holder = state
    }
    if (holder === undefined) return this.#becomeIdle()
    this.#holder = this.#idOf(holder)
    if (minimum <= this.#watermark) return false
    this.#watermark = minimum
    this.#idle = false
    return true
  }

  #parts(): WatermarkState<T>[] {
    const splits = [...this.#splits.values()]
    return this.#mainUsed || splits.length === 0 ? [...splits, this.#main] : splits
  }

  #becomeIdle(): boolean {
    this.#holder = undefined
    if (this.#idle) return false
    this.#idle = true
    return true
  }

  #idOf(holder: WatermarkState<T>): string | undefined {
    for (const [splitId, state] of this.#splits) if (state === holder) return splitId
    return undefined
  }
}
