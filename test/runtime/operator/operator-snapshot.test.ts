import fc from 'fast-check'
import { expect, test } from 'vitest'
import { t } from '../../../src/base/columnar/t.ts'
import { listState, reducingState, valueState } from '../../../src/program/function/state.ts'
import type { KeySpec, OperatorDescriptor } from '../../../src/program/graph/operator-descriptor.ts'
import type { RollingKernel } from '../../../src/runtime/operator/kernel/rolling-kernel.ts'
import { type Emitted, KeyedChain, untimed } from '../../support/keyed-chain.ts'
import { type ReadState, readState, restoredFrom, rowsOfChunk, type SnapshotRow } from '../../support/snapshots.ts'

const byK: KeySpec = { kind: 'field', field: 'k' }

/** Everything a process function can hold for a key, said in what it emits. */
const process: OperatorDescriptor = {
  kind: 'process',
  fn: {
    state: {
      count: valueState<number>(t.float64),
      last: valueState<string>(),
      seen: listState<number>(),
      sum: reducingState<number>((a, b) => a + b),
    },
    processElement(row: any, ctx: any, out: any) {
      const { count, last, seen, sum } = ctx.state
      count.update((count.value ?? 0) + 1)
      seen.add(row.n)
      sum.add(row.n)
      ctx.timerService.registerEventTimeTimer((Math.floor(row.n / 3) + 1) * 10)
      out.collect({ k: ctx.currentKey, count: count.value, last: last.value, seen: seen.get(), sum: sum.get() })
      last.update(`element ${row.n}`)
    },
    onTimer(time: number, ctx: any, out: any) {
      out.collect({ k: ctx.currentKey, time, count: ctx.state.count.value, at: ctx.timerService.currentWatermark })
      if (time >= 20) ctx.state.seen.clear()
    },
  } as any,
}

const operators: Readonly<Record<string, OperatorDescriptor>> = {
  process,
  reduce: { kind: 'reduce', fn: (a: any, b: any) => ({ ...b, n: a.n + b.n }) },
  sum: { kind: 'rolling', op: 'sum', field: 'n', first: true },
  maxBy: { kind: 'rolling', op: 'maxBy', field: 'n', first: true },
}

const keys: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  int32: fc.nat(30),
  float64: fc.constantFrom<unknown>(1, 2.5, 1e12, -7),
  text: fc.nat(30).map((n) => `key number ${n}`),
}

const rowsOf = (key: fc.Arbitrary<unknown>) =>
  fc.array(
    fc.array(fc.record({ k: key, n: fc.nat(20), name: fc.constantFrom('a', 'another name', null), ok: fc.boolean() }), {
      ...{ minLength: 1, maxLength: 40, size: 'max' as const },
    }),
    { minLength: 4, maxLength: 4 },
  )

const inOrder = (states: readonly ReadState[]): unknown =>
  states.map(({ name, rows }) => [
    name,
    name === 'seen' ? Map.groupBy(rows, ({ key }) => key) : rows.map((row) => JSON.stringify(row)).sort(),
  ])

/** Chunks of all states, some now and the others when it is called again without a limit. */
function reading(chain: KeyedChain): { some: () => void; rest: () => ReadState[] } {
  const snapshots = chain.operator.snapshotState!({ checkpointId: 1, timestampMs: 0, kind: 'checkpoint', directory: '' })
  const parts = snapshots.map((snapshot) => ({ snapshot, chunks: snapshot.chunks(), rows: [] as SnapshotRow[] }))
  const read = (part: (typeof parts)[number]): boolean => {
    const { done, value } = part.chunks.next()
    if (!done) part.rows.push(...rowsOfChunk(value))
    return !done
  }
  return {
    some: () => void read(parts[0]!),
    rest: () =>
      parts.map((part) => {
        while (read(part));
        part.snapshot.release()
        const { name, scope, form } = part.snapshot
        return { name, scope, form, rows: part.rows }
      }),
  }
}

const text = (emitted: readonly Emitted[]): string[] => emitted.map(({ row, timestamp }) => JSON.stringify([row, timestamp])).sort()

const forms = [true, false].flatMap((from) => [true, false].map((to) => [from, to] as const))
const name = (generated: boolean): string => (generated ? 'kernel' : 'plain form')
const cases = Object.keys(operators).flatMap((operator) =>
  Object.keys(keys).flatMap((key) => forms.map(([from, to]) => [operator, key, name(from), name(to), from, to] as const)),
)

test.each(cases)(
  '%s by %s keys goes on from a snapshot of its %s in its %s as if nothing had been',
  async (operator, key, _a, _b, from, to) => {
    await fc.assert(
      fc.asyncProperty(rowsOf(keys[key]!), fc.boolean(), async (batches, readsEarly) => {
        const chain = new KeyedChain(operators[operator]!, byK, { generated: from })
        chain.rows(untimed(batches[0]!)).rows(untimed(batches[1]!)).watermark(15)
        const now = reading(chain).rest()
        const before = chain.take()
        const later = reading(chain)
        if (readsEarly) later.some()
        // It goes on while the snapshot is read, and says the same as one that was not interrupted.
        chain.rows(untimed(batches[2]!)).watermark(25)
        const states = later.rest()
        expect(inOrder(states)).toEqual(inOrder(now))
        chain.rows(untimed(batches[3]!)).watermark(100)
        const expected = text(chain.emitted)
        if (from) expect(chain.kernel!.isSaving).toBe(false)

        const restored = new KeyedChain(operators[operator]!, byK, { generated: to })
        await restored.operator.restoreState!(restoredFrom(states, 15))
        const again = reading(restored).rest()
        expect(inOrder(again)).toEqual(inOrder(now))
        if (operator === 'process') expect(restored.operator.currentWatermark).toBe(15)
        restored.rows(untimed(batches[2]!)).watermark(25)
        restored.rows(untimed(batches[3]!)).watermark(100)
        expect(text(restored.emitted)).toEqual(expected)
        expect(before.length).toBeGreaterThan(0)
      }),
      { numRuns: 12 },
    )
  },
)

test('a rolling kernel that is restored works in its tables', async () => {
  const chain = new KeyedChain(operators.sum!, byK, { generated: true })
  const rows = Array.from({ length: 300 }, (_, i) => ({ k: i % 50, n: i }))
  chain.rows(untimed(rows))
  const states = chain.operator.snapshotState!({ checkpointId: 1, timestampMs: 0, kind: 'checkpoint', directory: '' }).map(readState)
  const restored = new KeyedChain(operators.sum!, byK, { generated: true })
  await restored.operator.restoreState!(restoredFrom(states))
  restored.rows(untimed(rows))
  expect((restored.kernel as RollingKernel).layout).toContain('key,number')
  expect((restored.kernel as RollingKernel).group.isEmpty).toBe(false)
})
