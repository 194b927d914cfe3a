import { describe, expect, it } from 'vitest'
import { t } from '../../../src/base/columnar/t.ts'
import { StreamError } from '../../../src/base/core/stream-error.ts'
import type { Environment } from '../../../src/program/api/environment.ts'
import { outputTag } from '../../../src/program/api/output-tag.ts'
import { tumbling } from '../../../src/program/api/windows.ts'
import { discardSink } from '../../../src/program/connector/discard-sink.ts'
import { avg, count } from '../../../src/program/function/aggregate.ts'
import { valueState } from '../../../src/program/function/state.ts'
import { assertSamePlan, firstDifference } from '../../../src/program/graph/compare-plans.ts'
import { planOf } from './plan-support.ts'

interface Choices {
  readonly size?: number
  readonly key?: 'a' | 'b'
  readonly extra?: boolean
  readonly parallelism?: number
  readonly name?: string
  readonly factor?: number
  readonly average?: boolean
  readonly state?: 'int32' | 'float64'
  readonly sink?: string
  readonly timeout?: number
  readonly jobName?: string
}

const program =
  ({
    size = 1000,
    key = 'a',
    extra = false,
    parallelism = 2,
    name = 'clean',
    factor = 1,
    average = false,
    state = 'int32',
    sink = 'out',
    timeout = 100,
  }: Choices) =>
  (env: Environment) => {
    const rows = env
      .fromData([{ a: 1, b: 2 }], { name: 'rows' })
      .map((row) => ({ a: row.a * factor, b: row.b }), { name, bufferTimeout: timeout })
    const maybe = extra ? rows.filter(() => true) : rows
    maybe
      .keyBy(key)
      .window(tumbling(size))
      .aggregate({ n: average ? avg('b') : count() }, { parallelism })
      .keyBy((row) => row.windowStart)
      .process({ state: { last: valueState(t[state]) }, processElement: (row) => void row }, { name: 'keep', parallelism })
      .sinkTo({ ...discardSink(), name: sink }, { parallelism })
  }

const planned = async (choices: Choices) => (await planOf(program(choices))).jobGraph

describe('the fingerprint', () => {
  it('knows the types of side outputs', async () => {
    const plan = async (type: 'int32' | 'float64' | undefined) => {
      const odd = outputTag<number>('odd', type && t[type])
      const program = (env: Environment): void => {
        const numbers = env.fromSequence(1, 10).process((n: number, ctx) => ctx.output(odd, n), { name: 'split' })
        numbers.getSideOutput(odd).rebalance().sinkTo(discardSink())
      }
      return (await planOf(program)).jobGraph
    }
    const [first, again, second, none] = [await plan('int32'), await plan('int32'), await plan('float64'), await plan(undefined)]
    expect(again.fingerprint).toBe(first.fingerprint)
    expect(none.fingerprint).not.toBe(first.fingerprint)
    expect(firstDifference(first, second)).toMatchObject({ operator: 'split', what: expect.stringContaining('has sideOutputs') })
  })

  it('is the same for the same program, whatever its functions hold, how it is named or configured', async () => {
    const first = await planned({})
    expect((await planned({})).fingerprint).toBe(first.fingerprint)
    expect((await planned({ factor: 7 })).fingerprint).toBe(first.fingerprint)
    expect((await planOf(program({}), { 'execution.codegen': false })).jobGraph.fingerprint).toBe(first.fingerprint)
    expect(first.fingerprint).toMatch(/^[0-9a-f]{32}$/)
  })

  const changes: [string, Choices, string, string][] = [
    ['window', { size: 2000 }, 'Window(tumbling 1.0 s)', 'has name'],
    ['key', { key: 'b' }, 'Window(tumbling 1.0 s)', 'is reached by hash of a'],
    ['operator', { extra: true }, 'Window(tumbling 1.0 s)', 'has name "Window(tumbling 1.0 s)" the first time and "Filter" the second'],
    ['parallelism', { parallelism: 3 }, 'Window(tumbling 1.0 s)', 'has parallelism 2 the first time and 3 the second'],
    ['name', { name: 'other' }, 'clean', 'has name "clean" the first time and "other" the second'],
    ['aggregate', { average: true }, 'Window(tumbling 1.0 s)', 'has apply'],
    ['declared state', { state: 'float64' }, 'keep', 'has state'],
    ['sink', { sink: 'elsewhere' }, 'Sink: out', 'has name'],
    ['buffer timeout', { timeout: 5 }, 'Window(tumbling 1.0 s)', 'is reached by hash of a (buffer timeout 100 ms)'],
  ]
  for (const [what, choices, operator, words] of changes) {
    it(`changes with the ${what}, and the first operator that differs is named`, async () => {
      const [first, second] = [await planned({}), await planned(choices)]
      expect(second.fingerprint).not.toBe(first.fingerprint)
      const difference = firstDifference(first, second)!
      expect(difference.operator).toBe(operator)
      expect(difference.what).toContain(words)
    })
  }
})

describe('comparing plans', () => {
  it('accepts the same plan', async () => {
    const graph = await planned({})
    expect(firstDifference(graph, graph)).toBe(undefined)
    expect(() => assertSamePlan(graph, graph)).not.toThrow()
  })

  it('says what is missing and what is new', async () => {
    const short = (await planOf((env) => void env.fromSequence(1, 2, { name: 'n' }).map((n) => n))).jobGraph
    const long = (
      await planOf(
        (env) =>
          void env
            .fromSequence(1, 2, { name: 'n' })
            .map((n) => n)
            .filter(() => true),
      )
    ).jobGraph
    expect(firstDifference(long, short)).toEqual({ operator: 'Filter', what: 'is missing in the second plan' })
    expect(firstDifference(short, long)).toEqual({ operator: 'Filter', what: 'is only in the second plan' })
  })

  it('refuses another plan with PLAN_MISMATCH, the operator and what to do', async () => {
    const [first, second] = [await planned({}), await planned({ parallelism: 3 })]
    const error = await Promise.resolve()
      .then(() => assertSamePlan(first, second))
      .catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(StreamError)
    const { code, message, hint, place } = error as StreamError
    expect(code).toBe('PLAN_MISMATCH')
    expect(message).toBe(
      "The program planned differently when it ran again: operator 'Window(tumbling 1.0 s)' has parallelism 2 the first time and 3 the second",
    )
    expect(hint).toContain('main runs once in each task thread')
    expect(place.operator).toBe('Window(tumbling 1.0 s)')
  })
})
