import { expect, test } from 'vitest'
import { ManualClock } from '../../../src/base/core/clock.ts'
import type { ReaderOutput, SourceReader } from '../../../src/program/function/source.ts'
import { SourceInput } from '../../../src/runtime/task/source-input.ts'
import type { TaskEvent } from '../../../src/runtime/task/task-input.ts'

type Poll = (output: ReaderOutput<{ at: number }>) => void

/** An input over a reader that does one of these at each poll, then ends. */
function inputOf(...polls: Poll[]): SourceInput {
  const reader: SourceReader<{ at: number }, unknown> = {
    start() {},
    pollNext(output) {
      const next = polls.shift()
      if (next === undefined) return 'end'
      next(output)
      return 'more'
    },
    isAvailable: async () => {},
    addSplits() {},
    notifyNoMoreSplits() {},
    snapshotState: () => [],
    close() {},
  }
  const strategy = { generator: { kind: 'bounded', outOfOrdernessMs: 0 }, timestamp: 'at' } as const
  return new SourceInput({ reader, strategy, name: 'test', clock: new ManualClock(), onAvailable() {}, onFailure() {} })
}

/** What the input says until it ends; a unit's rows drive its watermark as the chain's loop does. */
function eventsOf(input: SourceInput): (number | { readonly watermark: number })[] {
  const said: (number | { readonly watermark: number })[] = []
  for (let event: TaskEvent | undefined = input.poll(); event?.kind !== 'end'; event = input.poll()) {
    if (event?.kind === 'watermark') said.push({ watermark: event.watermark })
    if (event?.kind !== 'unit' || event.unit.form !== 'rows') continue
    const times = event.unit.rows.map((row) => (row as { at: number }).at)
    said.push(...times)
    event.unit.watermarks?.onBatch(Math.max(...times))
    input.afterRows()
    input.onPeriodic(0, false)
  }
  return said
}

test('a split holds time back from the moment it has an output, before it has emitted anything', () => {
  const input = inputOf(
    (output) => {
      output.forSplit('slow')
      output.forSplit('fast').collect({ at: 100 })
    },
    (output) => output.forSplit('slow').collect({ at: 5 }),
  )
  expect(eventsOf(input)).toEqual([100, 5, { watermark: 4 }, { watermark: 2 ** 63 }])
})

test('what a reader says of time holds only when the rows that it emitted before are through', () => {
  const input = inputOf((output) => {
    output.collect({ at: 10 })
    output.emitWatermark(50)
    output.collect({ at: 60 })
    output.emitWatermark(20)
  })
  expect(eventsOf(input)).toEqual([10, { watermark: 9 }, { watermark: 50 }, 60, { watermark: 59 }, { watermark: 2 ** 63 }])
})

test('a split that was released in the poll of its last rows holds time back until they are through', () => {
  const input = inputOf((output) => {
    output.forSplit('fast').emit({ kind: 'rows', rows: [{ at: 100 }] })
    output.forSplit('slow').collect({ at: 5 })
    output.releaseSplit('slow')
  })
  expect(eventsOf(input)).toEqual([100, 5, { watermark: 4 }, { watermark: 99 }, { watermark: 2 ** 63 }])
})

test('while the task cannot take a barrier the reader goes on, and the barrier stands behind what it emitted', () => {
  const input = inputOf(
    (output) => output.collect({ at: 1 }),
    (output) => output.collect({ at: 2 }),
  )
  input.startCheckpoint({ checkpointId: 1, timestampMs: 0, kind: 'checkpoint', directory: '/chk-1' })
  expect(input.poll(true)?.kind).toBe('unit')
  expect(input.poll()).toEqual({ kind: 'barrier', checkpointId: 1, alignmentMs: 0 })
  input.snapshotState({ checkpointId: 1, timestampMs: 0, kind: 'checkpoint', directory: '/chk-1' })
  expect(input.poll()?.kind).toBe('unit')
})
