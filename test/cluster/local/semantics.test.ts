/** What Flink's users take for granted of whole jobs and is easily got wrong, with generated code and without. */
import fc from 'fast-check'
import {
  type CoProcessFunction,
  countTrigger,
  type Environment,
  getEnvironment,
  listState,
  monotonousTimestamps,
  outputTag,
  t,
  tumbling,
  valueState,
} from 'headrace'
import { coProcessHarness } from 'headrace/testing'
import { describe, expect, it, test } from 'vitest'

interface Row {
  readonly k: string
  readonly n: number
}

describe.each([true, false])('with execution.codegen %s', (codegen) => {
  const env = (parallelism = 1): Environment => getEnvironment().configure({ 'execution.codegen': codegen }).setParallelism(parallelism)
  const rows = (count: number, k = 'a'): Row[] => Array.from({ length: count }, (_, i) => ({ k, n: i + 1 }))

  test('a sliding count window gives short results first: of the rows that there are', async () => {
    const sizes = await env()
      .fromData(rows(8))
      .keyBy('k')
      .countWindow(5, 2)
      .process((elements, _ctx, out: { collect(row: number[]): void }) => out.collect([...elements].map(({ n }) => n)))
      .executeAndCollect()
    expect(sizes).toEqual([
      [1, 2],
      [1, 2, 3, 4],
      [2, 3, 4, 5, 6],
      [4, 5, 6, 7, 8],
    ])
  })

  test('a sliding count window slides for each key by its own rows', async () => {
    const both = [...rows(3, 'a'), ...rows(4, 'b')].sort((x, y) => x.n - y.n)
    expect(await env(2).fromData(both).keyBy('k').countWindow(3, 2).sum('n').executeAndCollect()).toEqual(
      expect.arrayContaining([
        { k: 'a', n: 3 },
        { k: 'b', n: 3 },
        { k: 'b', n: 9 },
      ]),
    )
  })

  test('a count trigger on a time window replaces its end: what is left of the count never comes', async () => {
    const result = await env()
      .fromData(rows(5), { watermarks: monotonousTimestamps('n') })
      .keyBy('k')
      .window(tumbling(100), { trigger: countTrigger(2) })
      .sum('n')
      .executeAndCollect()
    expect(result.map(({ n }) => n)).toEqual([3, 10])
  })

  test('a union with itself has every record twice', async () => {
    const numbers = env(2).fromSequence(1, 4)
    const twice = await numbers.union(numbers, numbers).executeAndCollect()
    expect(twice.sort((a, b) => a - b)).toEqual([1, 2, 3, 4].flatMap((n) => [n, n, n]))
  })

  test('a side output that nobody reads is dropped, and the main output goes on', async () => {
    const odd = outputTag<number>('odd')
    const main = env()
      .fromSequence(1, 6)
      .process((n: number, ctx, out: { collect(n: number): void }) => {
        if (n % 2 === 0) out.collect(n)
        else ctx.output(odd, n)
      })
    expect(await main.executeAndCollect()).toEqual([2, 4, 6])
  })

  test('an event timer of a key that is registered twice rings once, and one that is deleted not at all', async () => {
    const rung = await env()
      .fromData(rows(3), { watermarks: monotonousTimestamps('n') })
      .keyBy('k')
      .process({
        processElement(_row: Row, { timerService }) {
          timerService.registerEventTimeTimer(50)
          timerService.registerEventTimeTimer(60)
          timerService.deleteEventTimeTimer(60)
          timerService.deleteEventTimeTimer(70)
        },
        onTimer: (at: number, _ctx, out: { collect(at: number): void }) => out.collect(at),
      })
      .executeAndCollect()
    expect(rung).toEqual([50])
  })

  test('the counters of an attempt that failed do not count', async () => {
    let attempts = 0
    const job = env()
    job.configure({
      'restart-strategy.type': 'fixed-delay',
      'restart-strategy.fixed-delay.attempts': 3,
      'restart-strategy.fixed-delay.delay': 1,
    })
    let counter: (name: string, delta: number) => void = () => undefined
    const counted = job.fromSequence(1, 10).map({
      open(ctx) {
        attempts++
        counter = (name, delta) => ctx.addToCounter(name, delta)
      },
      map(n: number) {
        counter('rows', 1)
        if (n === 7 && attempts < 3) throw new Error('once more')
        return n
      },
    })
    counted.filter(() => false).print()
    const { counters } = await job.execute()
    expect([attempts, counters.rows]).toEqual([3, 10])
  })
})

describe('connected streams', () => {
  /** Each row waits for its other half, whichever comes first. */
  const state = { left: listState<Row>(), right: listState<Row>() }
  const pairs: CoProcessFunction<Row, Row, string, typeof state, string> = {
    state,
    processElement1(row, ctx, out) {
      ctx.state.left.add(row)
      for (const other of ctx.state.right.get()) out.collect(`${row.k}${row.n}${other.n}`)
    },
    processElement2(row, ctx, out) {
      ctx.state.right.add(row)
      for (const other of ctx.state.left.get()) out.collect(`${row.k}${other.n}${row.n}`)
    },
  }
  const row = fc.record({ k: fc.constantFrom('a', 'b'), n: fc.nat(9) })

  it('have no order between their inputs: whoever keeps both sides gives the same, however they come', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { maxLength: 6 }),
        fc.array(row, { maxLength: 6 }),
        fc.infiniteStream(fc.boolean()),
        async (left, right, turns) => {
          const harness = await coProcessHarness(pairs, { keyBy: 'k', keyBy2: 'k' })
          const [lefts, rights] = [[...left], [...right]]
          while (lefts.length + rights.length > 0) {
            const first = rights.length === 0 || (lefts.length > 0 && turns.next().value)
            if (first) harness.processElement(lefts.shift()!)
            else harness.processElement2(rights.shift()!)
          }
          const expected = left.flatMap((a) => right.filter((b) => b.k === a.k).map((b) => `${a.k}${a.n}${b.n}`))
          expect(harness.values.toSorted()).toEqual(expected.toSorted())
          await harness.close()
        },
      ),
    )
  })

  it('hand on the rows of an input that is idle: elements carry no status', async () => {
    const harness = await coProcessHarness(pairs, { keyBy: 'k', keyBy2: 'k' })
    harness.processElement2({ k: 'a', n: 1 })
    harness.processWatermarkStatus('idle', 0)
    harness.processElement({ k: 'a', n: 2 })
    expect(harness.values).toEqual(['a21'])
    await harness.close()
  })
})

test('state that is declared by type refuses what is not of it, in a running job', async () => {
  for (const codegen of [true, false]) {
    const env = getEnvironment().configure({ 'execution.codegen': codegen }).setParallelism(1)
    const run = env
      .fromData(
        [
          { k: 'a', n: 1 },
          { k: 'a', n: 1.5 },
        ],
        { name: 'rows' },
      )
      .keyBy('k')
      .process({ state: { last: valueState(t.int32) }, processElement: (row: Row, ctx) => ctx.state.last.update(row.n) }, { name: 'keeps' })
      .executeAndCollect()
    await expect(run).rejects.toMatchObject({
      code: 'TYPE_MISMATCH',
      message: 'The value of state last of operator keeps is declared t.int32 and was given the number 1.5',
      place: { operator: 'keeps', subtask: 0, record: expect.stringContaining('record 2 of a batch') },
    })
  }
})
