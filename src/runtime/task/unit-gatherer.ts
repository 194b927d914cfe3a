/**
 * What a source's reader emits into during one pollNext: units go on as they are, records one by one are gathered into
 * units. Each split that asked for an output of its own has one.
 */
import { batchOfColumns } from '../../base/columnar/column-batch.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { ReaderOutput, SourceUnit } from '../../program/function/source.ts'
import type { ChainUnit } from '../chain/chain-input.ts'
import type { WatermarkState } from '../operator/watermark-state.ts'

/** Takes the units, and what the reader says of time, in order. */
export interface UnitReceiver {
  readonly wantedRows: number
  push(unit: ChainUnit): void
  stateOf(splitId: string | undefined): WatermarkState<any> | undefined
  positionOf(splitId: string | undefined, position: string | undefined): string
  releaseSplit(splitId: string): void
  markIdle(): void
  emitWatermark(splitId: string | undefined, watermark: number): void
}

export class UnitGatherer implements ReaderOutput<any> {
  readonly #splitId: string | undefined
  readonly #input: UnitReceiver
  readonly #splits = new Map<string, UnitGatherer>()
  #rows: unknown[] = []
  #timestamps: number[] = []
  #hasTimestamps = false

  constructor(splitId: string | undefined, input: UnitReceiver) {
    this.#splitId = splitId
    this.#input = input
  }

  get wantedRows(): number {
    return this.#input.wantedRows
  }

  collect(record: unknown, timestamp?: number): void {
    this.#rows.push(record)
    this.#timestamps.push(timestamp ?? Number.NaN)
    if (timestamp !== undefined) this.#hasTimestamps = true
  }

  emit(unit: SourceUnit<any>, position?: string): void {
    this.#flush()
    const base = {
      cursor: 0,
      input: 0,
      watermarks: this.#input.stateOf(this.#splitId),
      position: this.#input.positionOf(this.#splitId, position),
    } as const
    if (unit.kind === 'rows') {
      if (unit.rows.length > 0)
        this.#input.push({ ...base, form: 'rows', rows: unit.rows, timestamps: unit.timestamps, rowCount: unit.rows.length })
    } else if (unit.kind === 'range') {
      if (unit.count > 0)
        this.#input.push({ ...base, form: 'range', generate: unit.generate, from: unit.from, step: unit.step, rowCount: unit.count })
    } else if (unit.kind === 'columns') {
      if (unit.rowCount > 0) this.#input.push({ ...base, form: 'batch', batch: batchOfColumns(unit), rowCount: unit.rowCount })
    } else
      throw new StreamError('INVALID_ARGUMENT', `A source emitted a unit of unknown kind '${String((unit as { kind?: unknown }).kind)}'`)
  }

  forSplit(splitId: string): ReaderOutput<any> {
    let output = this.#splits.get(splitId)
    if (output === undefined) {
      output = new UnitGatherer(splitId, this.#input)
      this.#splits.set(splitId, output)
      // From now on the split holds time back, though it may emit much later than its siblings.
      this.#input.stateOf(splitId)
    }
    return output
  }

  releaseSplit(splitId: string): void {
    this.#splits.get(splitId)?.close()
    this.#splits.delete(splitId)
    this.#input.releaseSplit(splitId)
  }

  markIdle(): void {
    this.#flush()
    this.#input.markIdle()
  }

  emitWatermark(timestamp: number): void {
    this.close()
    this.#input.emitWatermark(this.#splitId, timestamp)
  }

  /** Ends the units under way. */
  close(): void {
    for (const split of this.#splits.values()) split.close()
    this.#flush()
  }

  #flush(): void {
    if (this.#rows.length === 0) return
    const rows = this.#rows
    const timestamps = this.#hasTimestamps ? this.#timestamps : undefined
    this.#rows = []
    this.#timestamps = []
    this.#hasTimestamps = false
    this.#input.push({
      form: 'rows',
      rows,
      timestamps,
      rowCount: rows.length,
      cursor: 0,
      input: 0,
      watermarks: this.#input.stateOf(this.#splitId),
      position: this.#input.positionOf(this.#splitId, undefined),
    })
  }
}
