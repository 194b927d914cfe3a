import { expect, test } from 'vitest'
import { StreamError } from '../../../src/base/core/stream-error.ts'
import { operatorHarness } from '../../../src/front/testing/harness.ts'
import type { Collector } from '../../../src/program/function/functions.ts'
import type { OperatorDescriptor } from '../../../src/program/graph/operator-descriptor.ts'

const error = async (descriptor: OperatorDescriptor, row: unknown): Promise<StreamError> => {
  const harness = await operatorHarness(descriptor, { name: 'delays' })
  try {
    harness.processElement(row)
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(StreamError)
    return thrown as StreamError
  }
  throw new Error('nothing was thrown')
}

test('map, filter and flatMap keep the timestamp of their row', async () => {
  const map = await operatorHarness({ kind: 'map', fn: (n: number) => n * 2 })
  map.processElement(2, 7)
  map.processElement(3)
  expect(map.output).toEqual([
    { kind: 'record', value: 4, timestamp: 7 },
    { kind: 'record', value: 6, timestamp: null },
  ])
  const filter = await operatorHarness({ kind: 'filter', fn: { filter: (n: number) => n > 2 } })
  for (const n of [1, 3]) filter.processElement(n, n)
  expect(filter.output).toEqual([{ kind: 'record', value: 3, timestamp: 3 }])
})

test('flatMap emits what it returns, what it collects, or both', async () => {
  const run = async (fn: (text: string, out: Collector<string>) => any): Promise<unknown[]> => {
    const harness = await operatorHarness<string, string>({ kind: 'flatMap', fn })
    harness.processElement('a b', 5)
    expect(harness.output.every((element) => element.kind === 'record' && element.timestamp === 5)).toBe(true)
    return harness.values
  }
  expect(await run((text) => text.split(' '))).toEqual(['a', 'b'])
  expect(await run((text, out) => text.split(' ').forEach((word) => void out.collect(word)))).toEqual(['a', 'b'])
  expect(
    await run(function* (text, out) {
      out.collect('first')
      yield* text.split(' ')
    }),
  ).toEqual(['first', 'a', 'b'])
  expect(await run((text, out) => text.length > 9 && out.collect(text))).toEqual([])
})

test('what a user function throws becomes an error that names the operator and keeps the cause and its stack', async () => {
  const cause = new RangeError('no such gate')
  for (const kind of ['map', 'filter', 'flatMap'] as const) {
    const fn = (): never => {
      throw cause
    }
    const failure = await error({ kind, fn } as OperatorDescriptor, 1)
    expect([failure.code, failure.place.operator, failure.place.subtask]).toEqual(['USER_FUNCTION_FAILED', 'delays', 0])
    expect(failure.message).toBe(`${kind} of operator delays failed: RangeError: no such gate`)
    expect(failure.cause).toBe(cause)
    expect(failure.toWire().cause).toMatchObject({ name: 'RangeError', stack: expect.stringContaining('row-functions.test.ts') })
  }
  const thrown = await error(
    {
      kind: 'map',
      fn: () => {
        throw 'text'
      },
    },
    1,
  )
  expect(thrown.message).toBe('map of operator delays failed: it threw "text", which is no Error and so has no stack')
})

test('a returned promise fails the record with a hint at what may be async, and its rejection is nobody else’s', async () => {
  for (const kind of ['map', 'filter', 'flatMap'] as const) {
    const fn = async (): Promise<never> => {
      throw new Error('later')
    }
    const failure = await error({ kind, fn } as unknown as OperatorDescriptor, 1)
    expect(failure.message).toMatch(new RegExp(`^${kind} of operator delays returned a promise`))
    expect(failure.hint).toContain('open and close may be async')
  }
  async function* later(): AsyncGenerator<number> {
    yield 1
  }
  expect((await error({ kind: 'flatMap', fn: later as any }, 1)).message).toContain('returned a promise')
})

test('a collector that is kept and used later is an error', async () => {
  let kept: Collector<number> | undefined
  const harness = await operatorHarness<number, number>({
    kind: 'flatMap',
    fn: (_n: number, out: Collector<number>) => {
      kept = out
    },
  })
  harness.processElement(1)
  expect(() => kept!.collect(1)).toThrow(/outside of its turn/)
  expect(harness.values).toEqual([])
})

test('open comes before the first row, close always and once, also after a failed open', async () => {
  const calls: string[] = []
  const fn = {
    open: async (ctx: { operatorName: string }) => void calls.push(`open ${ctx.operatorName} ${Object.keys(ctx).includes('output')}`),
    map: (n: number) => calls.push('map') + n,
    close: () => void calls.push('close'),
  }
  const harness = await operatorHarness({ kind: 'map', fn })
  harness.processElement(1)
  await harness.close()
  await harness.close()
  expect(calls).toEqual(['open tested false', 'map', 'close'])
  calls.length = 0
  const failing = {
    ...fn,
    open: () => {
      throw new Error('no database')
    },
  }
  await expect(operatorHarness({ kind: 'map', fn: failing })).rejects.toThrow('open of operator tested failed: Error: no database')
  await expect(operatorHarness({ kind: 'map', fn: { ...fn, open: () => Promise.reject(new Error('gone')) } })).rejects.toMatchObject({
    code: 'USER_FUNCTION_FAILED',
  })
  expect(calls).toEqual(['close', 'close'])
})

test('an error of an operator further down the chain keeps its own place', async () => {
  const inner = new StreamError('TYPE_MISMATCH', 'downstream', { place: { operator: 'other' } })
  const fn = (): never => {
    throw inner
  }
  expect((await error({ kind: 'flatMap', fn }, 1)).place).toMatchObject({ operator: 'other', subtask: 0 })
  const placeless = await error(
    {
      kind: 'flatMap',
      fn: () => {
        throw new StreamError('TYPE_MISMATCH', 'a row', { hint: 'h' })
      },
    },
    1,
  )
  expect([placeless.code, placeless.hint, placeless.place.operator]).toEqual(['TYPE_MISMATCH', 'h', 'delays'])
})
