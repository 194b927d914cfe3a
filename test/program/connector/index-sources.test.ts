import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../src/base/core/clock.ts'
import { collection } from '../../../src/program/connector/collection.ts'
import { generator } from '../../../src/program/connector/generator.ts'
import { sequence } from '../../../src/program/connector/sequence.ts'
import type { Source } from '../../../src/program/function/source.ts'
import { readAll, SourceHarness } from '../../support/source-harness.ts'

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i)
const sorted = (records: unknown[]) => [...(records as number[])].sort((a, b) => a - b)

describe('collection', () => {
  it('emits its items in order, in units of some thousand', async () => {
    const items = upTo(2_500).map((i) => ({ i }))
    const read = await readAll(collection(items))
    expect(read.records).toEqual(items)
    expect(read.outputs[0]?.units.map(({ position }) => position)).toEqual(['item 0', 'item 1024', 'item 2048'])
  })

  it('takes any iterable, values that are no objects, and nothing at all', async () => {
    expect((await readAll(collection(new Set(['a', 'b'])))).records).toEqual(['a', 'b'])
    expect((await readAll(collection([]))).records).toEqual([])
  })

  it('is read by one subtask only, and ends in the others', async () => {
    const source = collection([1, 2, 3])
    expect(source.maxParallelism).toBe(1)
    expect((await readAll(source, { parallelism: 3 })).records).toEqual([1, 2, 3])
  })

  it('does not see items that the program adds later', async () => {
    const items = [1]
    const source = collection(items)
    items.push(2)
    expect((await readAll(source)).records).toEqual([1])
  })

  it('refuses what cannot be iterated and says what to pass', () => {
    expect(() => collection(5 as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', hint: expect.stringContaining('array') }),
    )
  })
})

describe('sequence', () => {
  it('includes both ends, whatever the parallelism', async () => {
    for (const parallelism of [1, 2, 3, 7]) {
      const read = await readAll(sequence(-3, 5_000), { parallelism })
      expect(sorted(read.records)).toEqual(upTo(5_004).map((i) => i - 3))
    }
    expect((await readAll(sequence(5, 5), { parallelism: 4 })).records).toEqual([5])
  })

  it('gives each subtask one contiguous range, all as large but for one number', async () => {
    const read = await readAll(sequence(1, 10), { parallelism: 3 })
    expect(read.outputs.map((output) => output.records)).toEqual([
      [1, 2, 3, 4],
      [5, 6, 7],
      [8, 9, 10],
    ])
  })

  it('emits ranges, so that no number is made before the loop of the engine', async () => {
    const read = await readAll(sequence(0, 4_999))
    expect(read.outputs[0]?.units.map(({ unit }) => unit.kind === 'range' && [unit.from, unit.step, unit.count])).toEqual([
      [0, 1, 2_048],
      [2_048, 1, 2_048],
      [4_096, 1, 904],
    ])
  })

  it('refuses ends that are no whole numbers or stand in the wrong order', () => {
    expect(() => sequence(0.5, 3)).toThrow(/whole numbers/)
    expect(() => sequence(3, 2)).toThrow(/before the start/)
    expect(() => sequence(-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)).toThrow(/2\^53/)
  })
})

describe('generator', () => {
  it('makes each index once; subtask k of p takes k, k + p, ...', async () => {
    const read = await readAll(
      generator((i) => i, { count: 11 }),
      { parallelism: 3 },
    )
    expect(read.outputs.map((output) => output.records)).toEqual([
      [0, 3, 6, 9],
      [1, 4, 7, 10],
      [2, 5, 8],
    ])
  })

  it('leaves the calling of the function to the engine', async () => {
    let calls = 0
    const harness = await new SourceHarness(generator(() => calls++, { count: 5_000 })).start()
    expect(harness.poll()).toBe('more')
    expect(calls).toBe(0)
    const unit = harness.outputs[0]?.units[0]?.unit
    expect(unit).toMatchObject({ kind: 'range', from: 0, step: 1, count: 2_048 })
  })

  it('makes nothing for a count of 0, and less than the parallelism', async () => {
    expect(
      (
        await readAll(
          generator((i) => i, { count: 0 }),
          { parallelism: 2 },
        )
      ).records,
    ).toEqual([])
    expect(
      (
        await readAll(
          generator((i) => i, { count: 2 }),
          { parallelism: 4 },
        )
      ).records,
    ).toEqual([0, 1])
  })

  it('is unbounded when the count is Infinity', async () => {
    const source = generator((i) => i, { count: Number.POSITIVE_INFINITY })
    expect(source.boundedness).toBe('unbounded')
    const harness = await new SourceHarness(source, { parallelism: 2 }).start()
    for (let i = 0; i < 3; i++) expect(harness.poll(1)).toBe('more')
    expect(harness.outputs[1]?.records.slice(-1)).toEqual([1 + 2 * (3 * 2_048 - 1)])
  })

  it('keeps its rate as a whole, by the given clock', async () => {
    const clock = new ManualClock()
    const harness = await new SourceHarness(
      generator((i) => i, { count: 1_000, ratePerSecond: 100 }),
      { parallelism: 2, clock },
    ).start()
    const pollAll = () => {
      for (const subtask of [0, 1]) while (harness.poll(subtask) === 'more');
      return harness.records.length
    }
    expect(pollAll()).toBe(2)
    clock.advance(100)
    expect(pollAll()).toBe(2 + 10)
    for (let i = 0; i < 90; i++) {
      clock.advance(10)
      pollAll()
    }
    expect(harness.records.length).toBe(2 + 100)
  })

  it('wakes up when the next record is due', async () => {
    const clock = new ManualClock()
    const harness = await new SourceHarness(
      generator((i) => i, { count: 10, ratePerSecond: 4 }),
      { clock },
    ).start()
    expect(harness.poll()).toBe('more')
    expect(harness.poll()).toBe('nothing')
    let awake = false
    const waiting = harness.readers[0]?.isAvailable().then(() => void (awake = true))
    clock.advance(249)
    await harness.settle()
    expect(awake).toBe(false)
    clock.advance(1)
    await waiting
    expect(harness.poll()).toBe('more')
    expect(harness.records).toEqual([0, 1])
  })

  it('catches up by no more than a second after a long pause', async () => {
    const clock = new ManualClock()
    const harness = await new SourceHarness(
      generator((i) => i, { count: 1e6, ratePerSecond: 1_000 }),
      { clock },
    ).start()
    harness.poll()
    clock.advance(3_600_000)
    while (harness.poll() === 'more');
    expect(harness.records.length).toBeLessThanOrEqual(1_002)
  })

  it('refuses a count or rate that makes no sense', () => {
    expect(() => generator((i) => i, { count: -1 })).toThrow(/count is -1/)
    expect(() => generator((i) => i, { count: 1, ratePerSecond: 0 })).toThrow(/ratePerSecond is 0/)
    expect(() => generator(7 as never, { count: 1 })).toThrow(/function/)
  })
})

describe('a snapshot in mid-course', () => {
  const sources: [string, Source<any, any, any>, unknown[]][] = [
    ['collection', collection(upTo(5_000)), upTo(5_000)],
    ['sequence', sequence(0, 19_999), upTo(20_000)],
    ['generator', generator((i) => i, { count: 20_000 }), upTo(20_000)],
  ]
  for (const [name, source, expected] of sources) {
    it(`of a ${name} goes on right after the last record, at the same parallelism and at others`, async () => {
      for (const [before, after] of [
        [2, 2],
        [2, 1],
        [1, 3],
        [3, 2],
      ] as const) {
        const first = await new SourceHarness(source, { parallelism: before }).start()
        for (let i = 0; i < 2; i++) for (let subtask = 0; subtask < before; subtask++) first.poll(subtask)
        await first.settle()
        const second = await readAll(source, { parallelism: after, restored: first.snapshot() })
        expect(sorted([...first.records, ...second.records])).toEqual(expected)
      }
    })
  }

  it('of two subtasks goes on in one that reads both splits by turns, each with an output of its own', async () => {
    const source = generator((i) => i, { count: Number.POSITIVE_INFINITY })
    const first = await new SourceHarness(source, { parallelism: 2 }).start()
    for (const subtask of [0, 1]) first.poll(subtask)
    const second = await new SourceHarness(source, { restored: first.snapshot() }).start()
    for (let i = 0; i < 4; i++) second.poll()
    expect(second.outputs[0]?.units.map(({ position, splitId }) => [position, splitId])).toEqual([
      ['index 4096', '0 of 2'],
      ['index 4097', '1 of 2'],
      ['index 8192', '0 of 2'],
      ['index 8193', '1 of 2'],
    ])
  })

  it('keeps the rate of the whole source at another parallelism', async () => {
    const clock = new ManualClock()
    const source = generator((i) => i, { count: 10_000, ratePerSecond: 100 })
    const first = await new SourceHarness(source, { parallelism: 2, clock }).start()
    for (const parallelism of [1, 4]) {
      const second = await new SourceHarness(source, { parallelism, clock, restored: first.snapshot() }).start()
      const pollAll = () => {
        for (let subtask = 0; subtask < parallelism; subtask++) while (second.poll(subtask) === 'more');
      }
      pollAll()
      const before = second.records.length
      for (let i = 0; i < 10; i++) {
        clock.advance(100)
        pollAll()
      }
      expect(second.records.length - before).toBe(100)
    }
  })

  it('shares what no reader had yet out to readers that have splits and do not ask', async () => {
    const source = generator((i) => i, { count: Number.POSITIVE_INFINITY })
    const splits = [{ owner: 0, next: 0, step: 3 }]
    const enumerator = [1, 2].map((owner) => ({ owner, next: owner, step: 3 }))
    const harness = await new SourceHarness(source, { parallelism: 2, restored: { enumerator, splits: [splits] } }).start()
    expect(harness.assigned.map(({ subtask, split }) => [subtask, (split as { next: number }).next])).toEqual([
      [0, 1],
      [1, 2],
    ])
  })
})
