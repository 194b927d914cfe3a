import { describe, expect, test } from 'vitest'
import type { Environment } from '../../../src/program/api/environment.ts'
import { failuresOf, ListSink, rowsUnit } from '../task/job-bench.ts'
import { sourceOf } from './both-forms.ts'

describe('failures of user functions', () => {
  const rows = Array.from({ length: 100 }, (_, i) => ({ i }))
  function boom(row: any): any {
    if (row.i === 70) throw new RangeError('seventy')
    return row
  }

  test.each<[string, string, (stream: any) => any]>([
    ['a map', 'culprit', (stream) => stream.map(boom, { name: 'culprit' }).map((row: any) => row, { name: 'behind' })],
    ['a filter', 'culprit', (stream) => stream.filter((row: any) => boom(row) !== null, { name: 'culprit' })],
    [
      'a map behind others',
      'culprit',
      (stream) =>
        stream
          .map((row: any) => row, { name: 'before' })
          .filter(() => true)
          .map(boom, { name: 'culprit' }),
    ],
    ['a map behind an edge', 'culprit', (stream) => stream.rebalance().map(boom, { name: 'culprit' })],
    [
      'a map behind a flatMap',
      'culprit',
      (stream) => stream.flatMap((row: any) => [row], { name: 'before' }).map(boom, { name: 'culprit' }),
    ],
    ['a flatMap', 'culprit', (stream) => stream.flatMap((row: any) => [boom(row)], { name: 'culprit' })],
  ])('in %s names the operator and keeps its stack', async (_what, name, build) => {
    for (const error of await failuresOf((env) => build(env.fromSource(sourceOf(rowsUnit(rows)), { name: 'in' })).sinkTo(new ListSink()))) {
      expect(error.code).toBe('USER_FUNCTION_FAILED')
      expect(error.place.operator).toBe(name)
      expect(error.message).toContain('RangeError: seventy')
      expect(error.cause).toBeInstanceOf(RangeError)
      expect(error.cause.stack).toContain('boom')
    }
  })

  test('says which record of its source or channel it was', async () => {
    const [generated, plain] = await failuresOf((env) =>
      env
        .fromSource(sourceOf(rowsUnit(rows.slice(0, 50)), rowsUnit(rows.slice(50))), { name: 'in' })
        .map(boom, { name: 'm' })
        .sinkTo(new ListSink()),
    )
    expect(generated.place.record).toContain('record 21 of a batch')
    expect(plain.place.record).toBe(generated.place.record)
  })

  test("a generator that fails is the source's failure, not that of the operator which ran last", async () => {
    const generate = (i: number) => boom({ i })
    for (const error of await failuresOf((env) =>
      env
        .fromSource(sourceOf({ kind: 'range', generate, from: 0, step: 1, count: 100 }), { name: 'in' })
        .map((row: any) => row, { name: 'innocent' })
        .sinkTo(new ListSink()),
    )) {
      expect(error.place.operator).toBe('in')
    }
  })

  test("a timestamp assigner that fails is the source's failure", async () => {
    const watermarks = { timestamp: (row: any) => boom(row).i, generator: { kind: 'bounded', outOfOrdernessMs: 0 } } as any
    for (const error of await failuresOf((env) =>
      env
        .fromSource(sourceOf(rowsUnit(rows)), { name: 'in', watermarks })
        .map((row: any) => row, { name: 'innocent' })
        .sinkTo(new ListSink()),
    )) {
      expect(error.place.operator).toBe('in')
    }
  })

  test('a key function that fails is said to be one', async () => {
    const keyed = (env: Environment) =>
      env
        .fromSource(sourceOf(rowsUnit(rows)), { name: 'in' })
        .map((row: any) => row, { name: 'before' })
        .keyBy((row: any) => boom(row).i)
        .process({ processElement: () => undefined } as any)
        .sinkTo(new ListSink())
    for (const error of await failuresOf(keyed, { config: { 'parallelism.default': 2 } })) {
      expect(error.code).toBe('USER_FUNCTION_FAILED')
      expect(error.message).toMatch(/key/i)
      expect(error.message).toContain('seventy')
    }
  })

  test.each<[string, (stream: any) => any]>([
    ['a map', (stream) => stream.map((row: any) => Promise.resolve(row))],
    ['a filter', (stream) => stream.filter((row: any) => Promise.resolve(row.i > 5))],
    ['a map behind an edge', (stream) => stream.rebalance().map((row: any) => Promise.resolve(row))],
    ['a map to what has a then', (stream) => stream.map((row: any) => ({ ...row, then: () => undefined }))],
    ['a filter by what has a then', (stream) => stream.filter(() => ({ then: () => undefined }))],
  ])('%s that returns a promise fails alike in both forms, and the hint names what may be async', async (_what, build) => {
    const failures = await failuresOf((env) => build(env.fromSource(sourceOf(rowsUnit(rows)), { name: 'in' })).sinkTo(new ListSink()))
    for (const error of failures) {
      expect(error.code).toBe('INVALID_PROGRAM')
      expect(error.message).toContain('returned a promise')
      expect(error.hint).toContain('open and close may be async')
    }
  })

  test('a sink that fails is named', async () => {
    for (const write of [(row: any) => void boom(row), async (row: any) => void boom(row)]) {
      for (const error of await failuresOf((env) =>
        env
          .fromSource(sourceOf(rowsUnit(rows)), { name: 'in' })
          .map((row: any) => row, { name: 'innocent' })
          .sinkTo(new ListSink(write), { name: 'culprit' }),
      )) {
        expect(error.place.operator).toBe('culprit')
        expect(error.message).toContain('seventy')
      }
    }
  })
})
