/**
 * Drives one window operator as a task does: elements with their keys, watermarks, the clock. Rows are frozen when they go
 * in and when they come out, since nobody may change a row that the engine has.
 */
import { ManualClock } from '../../src/base/core/clock.ts'
import type { KeySpec, WindowDescriptor } from '../../src/program/graph/operator-descriptor.ts'
import { noTimestamp } from '../../src/runtime/operator/operator.ts'
import { WindowOperator } from '../../src/runtime/operator/window/window-operator.ts'
import { testContext } from './test-context.ts'

export interface Emitted {
  readonly row: any
  readonly timestamp: number
}

export interface WindowDriverOptions {
  /** Rows that the output takes in one step of firing. */
  readonly rowsPerStep?: number
  readonly clock?: ManualClock
}

export const byK: KeySpec = { kind: 'field', field: 'k' }

export class WindowDriver {
  readonly clock: ManualClock
  readonly operator: WindowOperator
  readonly numLateRecordsDropped = { value: 0 }
  /** Rows of the main output and watermarks, in the order they went out. */
  readonly log: (Emitted | { readonly watermark: number })[] = []
  readonly side: Record<string, Emitted[]> = {}
  /** Steps that firing has taken. */
  steps = 0
  #requestedMs: number[] = []
  #room: number
  readonly #rowsPerStep: number
  readonly #keySpec: KeySpec | undefined

  constructor(
    descriptor: Partial<WindowDescriptor> & Pick<WindowDescriptor, 'assigner' | 'apply'>,
    keySpec: KeySpec | 'whole stream' = byK,
    options: WindowDriverOptions = {},
  ) {
    this.#keySpec = keySpec === 'whole stream' ? undefined : keySpec
    this.clock = options.clock ?? new ManualClock(1_000)
    this.#rowsPerStep = options.rowsPerStep ?? Number.POSITIVE_INFINITY
    this.#room = this.#rowsPerStep
    const driver = this
    const ctx = {
      ...testContext({ clock: this.clock }),
      operatorName: 'windows',
      output: {
        emit(row: unknown, timestamp: number) {
          driver.#room--
          driver.log.push({ row: freeze(row), timestamp })
        },
        emitSide(tag: string, row: unknown, timestamp: number) {
          driver.side[tag] ??= []
          driver.side[tag].push({ row: freeze(row), timestamp })
        },
        get isFull() {
          return driver.#room <= 0
        },
      },
      requestProcessingTimer: (atMs: number) => void this.#requestedMs.push(atMs),
      numLateRecordsDropped: this.numLateRecordsDropped,
    }
    this.operator = new WindowOperator(ctx, { kind: 'window', allowedLatenessMs: 0, ...descriptor }, this.#keySpec)
  }

  get rows(): any[] {
    return this.log.flatMap((entry) => ('row' in entry ? [entry.row] : []))
  }

  get emitted(): Emitted[] {
    return this.log.filter((entry) => 'row' in entry)
  }

  /** The rows since the last call. */
  take(): any[] {
    const rows = this.rows
    this.log.length = 0
    return rows
  }

  element(row: any, timestamp: number = noTimestamp): this {
    this.operator.processElement(freeze(row), timestamp, keyOf(this.#keySpec, row))
    return this
  }

  watermark(watermark: number): this {
    this.#step(() => this.operator.advanceWatermark(watermark))
    this.log.push({ watermark })
    return this
  }

  /** Moves the clock on to a time and fires what was asked for, as the task's timers do. */
  setTime(nowMs: number): this {
    for (;;) {
      const next = Math.min(...this.#requestedMs)
      if (next > nowMs) break
      this.#requestedMs = this.#requestedMs.filter((atMs) => atMs !== next)
      if (next > this.clock.now()) this.clock.advance(next - this.clock.now())
      this.#step(() => this.operator.fireProcessingTimers(this.clock.now()))
    }
    this.clock.advance(nowMs - this.clock.now())
    return this
  }

  #step(fire: () => boolean): void {
    do {
      this.#room = this.#rowsPerStep
      this.steps++
    } while (!fire())
    this.#room = this.#rowsPerStep
  }
}

function keyOf(keySpec: KeySpec | undefined, row: any): unknown {
  if (keySpec === undefined) return undefined
  if (keySpec.kind === 'field') return row[keySpec.field]
  return keySpec.kind === 'function' ? keySpec.fn(row) : Object.fromEntries(keySpec.fields.map((field) => [field, row[field]]))
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value) && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const part of Object.values(value)) freeze(part)
  }
  return value
}
