import { expect, test } from 'vitest'
import { sum } from '../../../../src/program/function/aggregate.ts'
import { reducingState, valueState } from '../../../../src/program/function/state.ts'
import type { RollingOp, WindowApply } from '../../../../src/program/graph/operator-descriptor.ts'
import { maxWatermark } from '../../../../src/runtime/operator/operator.ts'
import { WindowDriver } from '../../../support/window-driver.ts'

const tumbling10 = { kind: 'tumbling', time: 'event', sizeMs: 10, offsetMs: 0 } as const
const session = { kind: 'session', time: 'event', gapMs: 10 } as const
const average: WindowApply = {
  kind: 'aggregate',
  fn: {
    createAccumulator: () => ({ n: 0, total: 0 }),
    add: (row: any, acc: any) => {
      acc.n++
      acc.total += row.v
      return acc
    },
    getResult: (acc) => acc,
    merge: (a, b) => ({ n: a.n + b.n, total: a.total + b.total }),
  },
}

test('a user aggregate gives its result, in merged sessions too', () => {
  const driver = new WindowDriver({ assigner: session, apply: average })
  driver.element({ k: 'a', v: 1 }, 0).element({ k: 'a', v: 2 }, 15).element({ k: 'a', v: 4 }, 7).watermark(maxWatermark)
  expect(driver.emitted).toEqual([{ row: { n: 3, total: 7 }, timestamp: 24 }])
})

test('a result that is the accumulator itself does not change with later elements', () => {
  const driver = new WindowDriver({ assigner: tumbling10, apply: average, trigger: { kind: 'count', count: 1 } })
  driver.element({ k: 'a', v: 1 }, 0).element({ k: 'a', v: 2 }, 0)
  expect(driver.rows).toEqual([
    { n: 1, total: 1 },
    { n: 2, total: 3 },
  ])
})

test('reduce gives the one row as it is when there is only one, and merges sessions in order of time', () => {
  const driver = new WindowDriver({
    assigner: session,
    apply: { kind: 'reduce', fn: { reduce: (a: any, b: any) => ({ k: a.k, v: a.v + b.v }) } },
  })
  const single = { k: 'b', v: 'x' }
  driver
    .element({ k: 'a', v: 'z' }, 30)
    .element({ k: 'a', v: 'a' }, 12)
    .element(single, 0)
    .element({ k: 'a', v: 'm' }, 21)
    .watermark(maxWatermark)
  expect(driver.rows).toEqual([single, { k: 'a', v: 'azm' }])
  expect(driver.rows[0]).toBe(single)
})

test('sum, min and max replace the field in the first row; minBy and maxBy keep a row, the first or the last of equals', () => {
  const rows = [
    { k: 'a', v: 2, id: 0 },
    { k: 'a', v: null, id: 1 },
    { k: 'a', v: 1, id: 2 },
    { k: 'a', v: 3, id: 3 },
    { k: 'a', v: 1, id: 4 },
    { k: 'a', v: 3, id: 5 },
  ]
  const result = (op: RollingOp, first = true) => {
    const driver = new WindowDriver({ assigner: tumbling10, apply: { kind: 'rolling', op, field: 'v', first } })
    for (const row of rows) driver.element(row, 1)
    return driver.watermark(9).rows
  }
  expect(result('sum')).toEqual([{ k: 'a', v: 10, id: 0 }])
  expect(result('min')).toEqual([{ k: 'a', v: 1, id: 0 }])
  expect(result('max')).toEqual([{ k: 'a', v: 3, id: 0 }])
  expect([result('minBy'), result('minBy', false), result('maxBy'), result('maxBy', false)]).toEqual([
    [rows[2]],
    [rows[4]],
    [rows[3]],
    [rows[5]],
  ])
})

test('an aggregate with a process function hands it the one result with key and window', () => {
  const process = (elements: readonly any[], ctx: any, out: any) =>
    out.collect({ key: ctx.key, ...ctx.window, elements, at: ctx.currentWatermark })
  const driver = new WindowDriver({ assigner: tumbling10, apply: { ...average, process } as WindowApply })
  driver.element({ k: 'a', v: 1 }, 0).element({ k: 'a', v: 2 }, 0).watermark(12)
  expect(driver.rows).toEqual([{ key: 'a', start: 0, end: 10, elements: [{ n: 2, total: 3 }], at: 12 }])
})

test('rows and side outputs of a process function carry the last millisecond of the window', () => {
  const driver = new WindowDriver({
    assigner: tumbling10,
    apply: {
      kind: 'process',
      process(elements, ctx, out) {
        out.collect(elements.length)
        ctx.output({ id: 'aside' }, ctx.key)
      },
    },
  })
  driver.element({ k: 'a' }, 3).element({ k: 'a' }, 4).watermark(9)
  expect(driver.emitted).toEqual([{ row: 2, timestamp: 9 }])
  expect(driver.side.aside).toEqual([{ row: 'a', timestamp: 9 }])
})

test('globalState belongs to the key and windowState to key and window, which ends with a call of clear', () => {
  const cleared: unknown[] = []
  const driver = new WindowDriver({
    assigner: tumbling10,
    allowedLatenessMs: 10,
    apply: {
      kind: 'process',
      process: {
        globalState: { firings: reducingState<number>((a, b) => a + b) },
        windowState: { last: valueState<number>() },
        process(elements, { globalState, windowState, window }: any, out) {
          globalState.firings.add(1)
          out.collect([window.start, elements.length, windowState.last.value, globalState.firings.get()])
          windowState.last.update(elements.length)
        },
        clear: ({ key, window, windowState }: any) => void cleared.push([key, window.start, windowState.last.value]),
      },
    },
  })
  driver.element({ k: 'a' }, 1).element({ k: 'a' }, 11).watermark(9).element({ k: 'a' }, 2).watermark(20)
  expect(driver.take()).toEqual([
    [0, 1, null, 1],
    [0, 2, 1, 2],
    [10, 1, null, 3],
  ])
  expect(cleared).toEqual([['a', 0, 2]])
  driver.watermark(maxWatermark)
  expect(cleared).toEqual([
    ['a', 0, 2],
    ['a', 10, 1],
  ])
})

test('a purged window calls clear but not the function', () => {
  const calls: string[] = []
  const driver = new WindowDriver({
    assigner: tumbling10,
    trigger: { kind: 'purging', inner: { kind: 'count', count: 1 } },
    apply: { kind: 'process', process: { process: () => void calls.push('process'), clear: () => void calls.push('clear') } },
  })
  driver.element({ k: 'a' }, 1).watermark(maxWatermark)
  expect(calls).toEqual(['process', 'clear'])
})

test('windows over the whole stream have no key, and state of a key is that of the stream', () => {
  const process = {
    globalState: { n: valueState<number>() },
    process: (_rows: any, { key, globalState }: any, out: any) => out.collect([key, globalState.n.value]),
  }
  const driver = new WindowDriver({ assigner: tumbling10, apply: { kind: 'process', process } }, 'whole stream')
  driver.element(1, 0).element(2, 0).watermark(9)
  expect(driver.rows).toEqual([[undefined, null]])
})

test('what a user function throws fails the operator by name, with its cause', () => {
  const boom = new TypeError('boom')
  const fail = () => {
    throw boom
  }
  const applies: WindowApply[] = [
    { kind: 'process', process: fail },
    { kind: 'reduce', fn: fail },
    { kind: 'aggregate', fn: { createAccumulator: fail, add: fail, getResult: fail } as any },
  ]
  for (const apply of applies) {
    const driver = new WindowDriver({ assigner: tumbling10, apply })
    expect(() => driver.element({ k: 'a' }, 0).element({ k: 'a' }, 0).watermark(9)).toThrow(
      expect.objectContaining({
        code: 'USER_FUNCTION_FAILED',
        cause: boom,
        message: expect.stringContaining('of operator windows failed: TypeError: boom'),
      }),
    )
  }
})

test('a promise is refused where a value is due', () => {
  const applies: WindowApply[] = [
    { kind: 'process', process: (async () => {}) as any },
    { kind: 'reduce', fn: async (a) => a },
    { kind: 'aggregate', fn: { createAccumulator: () => 0, add: async () => 1, getResult: (n) => n } },
  ]
  for (const apply of applies) {
    expect(() => new WindowDriver({ assigner: tumbling10, apply }).element({ k: 'a' }, 0).element({ k: 'a' }, 0).watermark(9)).toThrow(
      /returned a promise/,
    )
  }
})

test('emitting and touching state after the function has returned are errors', () => {
  let kept: any
  const driver = new WindowDriver({
    assigner: tumbling10,
    apply: { kind: 'process', process: { globalState: { n: valueState() }, process: (_rows, ctx, out) => void (kept = { ctx, out }) } },
  })
  driver.element({ k: 'a' }, 0).watermark(9)
  expect(() => kept.out.collect(1)).toThrow(/outside of its turn/)
  expect(() => kept.ctx.output({ id: 'x' }, 1)).toThrow(/outside of its turn/)
  expect(() => kept.ctx.globalState.n.value).toThrow(/outside of a keyed element or timer/)
})

test('a built-in aggregate over something that is no number is an error that names the field', () => {
  const driver = new WindowDriver({ assigner: tumbling10, apply: { kind: 'aggregates', aggregates: { total: sum('v') } } })
  expect(() => driver.element({ k: 'a', v: '7' }, 0)).toThrow(
    expect.objectContaining({ code: 'TYPE_MISMATCH', message: expect.stringContaining("sum('v') was given a string: 7") }),
  )
})

test('what cannot merge is refused for sessions when the operator is made', () => {
  const withoutMerge: WindowApply = { kind: 'aggregate', fn: { createAccumulator: () => 0, add: () => 1, getResult: (n) => n } }
  expect(() => new WindowDriver({ assigner: session, apply: withoutMerge })).toThrow(/its aggregate function cannot merge session windows/)
  const withWindowState: WindowApply = { kind: 'process', process: { windowState: { n: valueState() }, process() {} } }
  expect(() => new WindowDriver({ assigner: session, apply: withWindowState })).toThrow(/windowState \(n\) with session windows/)
})

test('open and close of both functions are called, close also when one of them fails', async () => {
  const calls: string[] = []
  const fn = {
    createAccumulator: () => 0,
    add: () => 1,
    getResult: (n: number) => n,
    open: () => void calls.push('open aggregate'),
    close: () => Promise.reject(new Error('no')),
  }
  const process = { process() {}, open: async () => void calls.push('open process'), close: () => void calls.push('close process') }
  const { operator } = new WindowDriver({ assigner: tumbling10, apply: { kind: 'aggregate', fn, process } as WindowApply })
  await operator.open()
  await expect(operator.close()).rejects.toThrow(/close of operator windows failed: Error: no/)
  expect(calls).toEqual(['open aggregate', 'open process', 'close process'])
})
