/**
 * The windows of random programs, and what becomes of each.
 */
import {
  type AggregateFunction,
  avg,
  type Collector,
  count,
  type DataStream,
  globalWindows,
  max,
  min,
  session,
  sliding,
  sum,
  tumbling,
  valueState,
  type WindowAssigner,
} from 'headrace'
import { type ApplySpec, fieldOf, type Placed, type StepSpec, type WindowsSpec } from './program-spec.ts'
import { gapOf, keyFields, reduceOf, sorted } from './row-functions.ts'

export function assignerOf(windows: WindowsSpec): WindowAssigner<any> {
  switch (windows.kind) {
    case 'tumbling':
      return tumbling(windows.size, { offset: windows.offset })
    case 'sliding':
      return sliding(windows.size, windows.slide, { offset: windows.offset })
    case 'session':
      return session(windows.gap)
    case 'dynamicSession':
      return session((row: any) => gapOf(row, windows.field))
    case 'global':
      return globalWindows({ fireAtEnd: true })
  }
}

const built = { count: () => count(), sum, min, max, avg } as const

export function applied(windowed: any, step: Extract<StepSpec, { op: 'window' }>, options: Placed): DataStream<any> {
  const { apply } = step
  const framed = (elements: readonly any[], ctx: any, out: Collector<any>) =>
    out.collect({
      ...keyFields(step.key, ctx.key),
      windowStart: ctx.window.start,
      windowEnd: ctx.window.end,
      ...contentsOf(apply, elements),
    })
  switch (apply.kind) {
    case 'aggregates':
      return windowed.aggregate(Object.fromEntries(apply.specs.map(({ name, kind, field }) => [name, built[kind](field)])), options)
    case 'user':
      return windowed.aggregate(userAggregate(apply), options)
    case 'reduce':
      return apply.process ? windowed.reduce(reduceOf(apply.field), framed, options) : windowed.reduce(reduceOf(apply.field), options)
    case 'process':
      return windowed.process(apply.numbered ? numbered(framed) : framed, options)
    case 'rolling':
      return apply.op === 'minBy' || apply.op === 'maxBy'
        ? windowed[apply.op](apply.field, { ...options, first: apply.first })
        : windowed[apply.op](apply.field, options)
    case 'minBy':
    case 'maxBy':
      return windowed[apply.kind](apply.field, options)
  }
}

function contentsOf(apply: ApplySpec, elements: readonly any[]): Record<string, unknown> {
  if (apply.kind !== 'process') return { reduced: elements[0], alone: elements.length }
  const values = elements.map((row) => fieldOf(row, apply.field))
  return { values: apply.inOrder ? values : sorted(values) }
}

/** Adds how many windows of the key have fired. */
const numbered = (framed: (elements: readonly any[], ctx: any, out: Collector<any>) => void) => ({
  globalState: { fired: valueState<number>() },
  process(elements: readonly any[], ctx: any, out: Collector<any>) {
    const fired = (ctx.globalState.fired.value ?? 0) + 1
    ctx.globalState.fired.update(fired)
    framed(elements, ctx, { collect: (row) => out.collect({ ...row, fired }) })
  },
})

function userAggregate({ accumulator, field }: Extract<ApplySpec, { kind: 'user' }>): AggregateFunction<any, any, any> {
  const value = (row: any): number => fieldOf(row, field)
  switch (accumulator) {
    case 'number':
      return {
        createAccumulator: () => 0,
        add: (row, total) => total + value(row),
        getResult: (total) => ({ total }),
        merge: (a, b) => a + b,
      }
    case 'object':
      return {
        createAccumulator: () => ({ n: 0, low: Number.POSITIVE_INFINITY }),
        add: (row, held) => ({ n: held.n + 1, low: Math.min(held.low, value(row)) }),
        getResult: ({ n, low }) => ({ n, low, none: n % 2 === 0 ? null : n }),
        merge: (a, b) => ({ n: a.n + b.n, low: Math.min(a.low, b.low) }),
      }
    case 'list':
      return {
        createAccumulator: (): number[] => [],
        add: (row, values) => [...values, value(row)],
        getResult: (values) => ({ values: sorted(values) }),
        merge: (a, b) => [...a, ...b],
      }
  }
}
