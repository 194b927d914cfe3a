import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { KeySpec, OperatorDescriptor, WindowApply } from '../../../../src/program/graph/operator-descriptor.ts'
import { PaneWindowKernel } from '../../../../src/runtime/operator/kernel/pane-window-kernel.ts'
import { at, type Emitted, KeyedChain, type KeyedChainOptions } from '../../../support/keyed-chain.ts'

interface Row {
  readonly k: number
  readonly name: string
  readonly n: number
}

const byK: KeySpec = { kind: 'field', field: 'k' }
const late = { id: 'late' }
const tumbling = (apply: WindowApply, allowedLatenessMs = 0): OperatorDescriptor =>
  ({
    kind: 'window',
    assigner: { kind: 'tumbling', sizeMs: 10, offsetMs: 3, time: 'event' },
    apply,
    allowedLatenessMs,
    lateTag: late,
  }) as OperatorDescriptor

const names = {
  createAccumulator: () => ({ names: [] as string[], last: null as Row | null }),
  add(row: Row, seen: { names: string[]; last: Row | null }) {
    seen.names.push(row.name)
    return { names: seen.names, last: row }
  },
  getResult: (seen: { names: string[]; last: Row | null }) => ({ names: seen.names.join(), last: seen.last }),
}
const describeWindow = (results: readonly unknown[], ctx: any, out: any): void => {
  for (const result of results) out.collect({ result, key: ctx.key, ...ctx.window, watermark: ctx.currentWatermark })
  if (results.length > 1) ctx.output({ id: 'late' }, { many: results.length })
}
const applies: Readonly<Record<string, WindowApply>> = {
  reduce: { kind: 'reduce', fn: (a: Row, b: Row) => (b.n > a.n ? b : { ...a, n: a.n + 1 }) },
  'reduce and process': { kind: 'reduce', fn: { reduce: (a: Row, b: Row) => (a.n > b.n ? a : b) }, process: describeWindow },
  'an accumulator of objects': { kind: 'aggregate', fn: names },
  'an accumulator of objects and process': { kind: 'aggregate', fn: names, process: { process: describeWindow } },
  'a number and process': {
    kind: 'aggregate',
    fn: { createAccumulator: () => 0, add: (row: Row, sum: number) => sum + row.n, getResult: (sum: number) => `sum ${sum}` },
    process: describeWindow,
  },
  'process over all rows': { kind: 'process', process: describeWindow },
  maxBy: { kind: 'rolling', op: 'maxBy', field: 'n', first: true },
}

// A watermark fires keys in any order.
const multiset = (emitted: readonly Emitted[]): string[] => emitted.map((one) => JSON.stringify(one)).toSorted()

/** A script of batches of rows, a watermark behind each. */
type Script = readonly { readonly rows: readonly Emitted[]; readonly watermark: number }[]

function run(descriptor: OperatorDescriptor, script: Script, options: KeyedChainOptions, key = byK) {
  const chain = new KeyedChain(descriptor, key, options)
  if (options.generated) expect(chain.kernel).toBeInstanceOf(PaneWindowKernel)
  const steps = script.map(({ rows, watermark }) => {
    chain.rows(rows).watermark(watermark)
    return multiset(chain.emitted.splice(0))
  })
  return { steps, side: multiset(chain.side.late ?? []), dropped: chain.numLateRecordsDropped.value }
}

const rowsOf = fc.array(
  fc.record({
    k: fc.integer({ min: 0, max: 5 }),
    name: fc.string({ maxLength: 20 }),
    n: fc.integer({ min: 0, max: 9 }),
    time: fc.integer({ min: -40, max: 60 }),
  }),
  { maxLength: 40 },
)
const scripts = fc
  .array(fc.record({ rows: rowsOf, step: fc.integer({ min: 0, max: 25 }) }), { minLength: 1, maxLength: 6 })
  .map((parts): Script => {
    let watermark = -30
    return [
      ...parts.map(({ rows, step }) => {
        watermark += step
        return { rows: rows.map(({ time, ...row }) => at(time, row)), watermark }
      }),
      { rows: [], watermark: 2 ** 63 },
    ]
  })

describe.each(Object.entries(applies))('%s', (_, apply) => {
  test('gives in each step what the plain operator gives, late rows and stops on a full output included', () => {
    fc.assert(
      fc.property(scripts, fc.constantFrom(1, 3, 1000), (script, rowsPerStep) => {
        const plain = run(tumbling(apply), script, { generated: false })
        expect(run(tumbling(apply), script, { generated: true, rowsPerStep })).toEqual(plain)
      }),
      { numRuns: 40 },
    )
  })

  test.each<KeySpec>([
    { kind: 'field', field: 'name' },
    { kind: 'fields', fields: ['k', 'name'] },
    { kind: 'function', fn: (row) => row.k / 2 },
  ])('takes keys of any kind: %j', (key) => {
    const script: Script = [
      { rows: Array.from({ length: 500 }, (_, i) => at(i % 30, { k: i % 7, name: `name ${i % 3}`, n: i % 11 })), watermark: 14 },
      { rows: [at(20, { k: 1, name: 'name 1', n: 50 })], watermark: 2 ** 63 },
    ]
    const found = run(tumbling(apply), script, { generated: true }, key)
    expect(found.steps[0]!.length).toBeGreaterThan(4)
    expect(found).toEqual(run(tumbling(apply), script, { generated: false }, key))
  })
})

test('a window that may fire again keeps to the plain operator, and so does a function with state or a life cycle', () => {
  const kernelOf = (descriptor: OperatorDescriptor) => new KeyedChain(descriptor, byK, { generated: true }).kernel
  expect(kernelOf(tumbling(applies.reduce!))).toBeDefined()
  expect(kernelOf(tumbling(applies.reduce!, 5))).toBeUndefined()
  expect(kernelOf(tumbling({ kind: 'reduce', fn: { reduce: (a) => a, open() {} } }))).toBeUndefined()
  expect(kernelOf(tumbling({ kind: 'process', process: { process() {}, clear() {} } }))).toBeUndefined()
})

test('windows that have fired leave nothing behind', () => {
  const chain = new KeyedChain(tumbling({ kind: 'process', process: describeWindow }), byK, { generated: true })
  const { objectValues } = chain.kernel!.bindings as { objectValues: unknown[] }
  for (let w = 0; w < 20; w++) {
    chain.rows(Array.from({ length: 50 }, (_, k) => at(w * 10 + 5, { k, name: 'some name', n: w }))).watermark(w * 10 + 12)
    expect(objectValues.filter((value) => value !== undefined)).toEqual([])
  }
  expect(chain.emitted.length).toBe(1000)
  expect(objectValues.length).toBe(51)
})
