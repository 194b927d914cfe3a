import { describe, expect, test } from 'vitest'
import { t } from '../../../src/base/columnar/t.ts'
import { broadcastState, operatorListState, unionListState } from '../../../src/program/function/operator-state.ts'
import { valueState } from '../../../src/program/function/state.ts'
import type { OperatorDescriptor } from '../../../src/program/graph/operator-descriptor.ts'
import { createOperator } from '../../../src/runtime/operator/create-operator.ts'
import { createKernel } from '../../../src/runtime/operator/kernel/create-kernel.ts'
import { noTimestamp, type OperatorContext, type StreamOperator } from '../../../src/runtime/operator/operator.ts'
import type { RestoredState, StateSnapshot } from '../../../src/runtime/state/snapshot.ts'
import { readState, restoredFrom } from '../../support/snapshots.ts'
import { testContext } from '../../support/test-context.ts'

const checkpoint = { checkpointId: 7, timestampMs: 0, kind: 'checkpoint', directory: '' } as const

const processing = (log: unknown[], more: object = {}): OperatorDescriptor => ({
  kind: 'process',
  fn: {
    operatorState: { list: operatorListState(t.float64), union: unionListState<string>(), rules: broadcastState(t.utf8, t.float64) },
    open(ctx: any) {
      const { list, union, rules } = ctx.operatorState
      log.push({ isRestored: ctx.isRestored, list: list.get(), union: union.get(), rules: [...rules.entries()] })
    },
    processElement(n: any, ctx: any) {
      const { list, union, rules } = ctx.operatorState
      list.add(n)
      union.add(`seen ${n}`)
      rules.put('last', n)
    },
    ...more,
  } as any,
})

function make(descriptor: OperatorDescriptor): StreamOperator {
  const ctx = {
    ...testContext(),
    output: { emit: () => {}, emitSide: () => {}, isFull: false },
    requestProcessingTimer: () => {},
    numLateRecordsDropped: { value: 0 },
  } as unknown as OperatorContext
  return createOperator(descriptor, ctx)
}

const give = (operator: StreamOperator, ...values: number[]): void => {
  for (const value of values) operator.processElement(value, noTimestamp, undefined)
}

describe('operator state', () => {
  test('belongs to the subtask, is there in open, and is not restored in a job that begins', async () => {
    const log: unknown[] = []
    const operator = make(processing(log))
    await operator.open!()
    give(operator, 1, 2)
    expect(log).toEqual([{ isRestored: false, list: [], union: [], rules: [] }])
    const states = operator.snapshotState!(checkpoint).map(readState)
    expect(states).toMatchObject([
      {
        name: 'list',
        scope: 'split',
        form: 'list',
        declared: { value: { type: { kind: 'float64' } } },
        rows: [{ value: 1 }, { value: 2 }],
      },
      { name: 'union', scope: 'union', form: 'list', rows: [{ value: 'seen 1' }, { value: 'seen 2' }] },
      { name: 'rules', scope: 'broadcast', form: 'map', rows: [{ mapKey: 'last', mapValue: 2 }] },
    ])
    const restored = make(processing(log))
    await restored.restoreState!(restoredFrom(states))
    await restored.open!()
    expect(log[1]).toEqual({ isRestored: true, list: [1, 2], union: ['seen 1', 'seen 2'], rules: [['last', 2]] })
  })

  test('is in a snapshot what it was when that began, whatever is read and released first', () => {
    const operator = make(processing([]))
    const open: StateSnapshot[][] = []
    for (let n = 0; n < 4; n++) {
      open.push([...operator.snapshotState!(checkpoint)])
      give(operator, n)
    }
    for (const n of [2, 0, 3, 1]) {
      const [list, , rules] = open[n]!.map(readState)
      expect(list!.rows).toEqual(Array.from({ length: n }, (_, i) => ({ value: i })))
      expect(rules!.rows).toEqual(n === 0 ? [] : [{ mapKey: 'last', mapValue: n - 1 }])
      give(operator, 100)
    }
  })

  test('keeps what was written of it from who changes what he stored or read', () => {
    let lists: any
    const operator = make({
      kind: 'process',
      fn: {
        operatorState: { lists: operatorListState<number[]>() },
        processElement(n: any, ctx: any) {
          const { lists: state } = ctx.operatorState
          const given = [n]
          state.add(given)
          given.push(99)
          state.get()[0].push(98)
          lists = state.get()
        },
      } as any,
    })
    give(operator, 1)
    expect(lists).toEqual([[1]])
  })

  test('is refused outside of a turn, under a name of keyed state, and under one of the engine', async () => {
    let kept: any
    const operator = make(
      processing([], {
        open(ctx: any) {
          kept = ctx.operatorState.list
        },
      }),
    )
    await operator.open!()
    expect(() => kept.add(1)).toThrow('used state list of operator')
    const named =
      (more: object): (() => unknown) =>
      () =>
        make({ kind: 'process', fn: { processElement() {}, ...more } as any })
    expect(named({ state: { a: valueState() }, operatorState: { a: operatorListState() } })).toThrow(
      'declared twice: as keyed state and as operator state',
    )
    expect(named({ operatorState: { _timers: operatorListState() } })).toThrow("a name of the engine's own")
  })

  test('of another kind or type than in the snapshot is an error that names both', async () => {
    const states = make(processing([])).snapshotState!(checkpoint).map(readState)
    const into = (declaration: object): Promise<unknown> =>
      Promise.resolve(
        make(processing([], { operatorState: { list: declaration } })).restoreState!(
          restoredFrom(states) as RestoredState,
        ) as Promise<void>,
      )
    await expect(into(unionListState(t.float64))).rejects.toThrow('is union list state in the program and split list state in the snapshot')
    await expect(into(operatorListState(t.utf8))).rejects.toThrow('is t.utf8 in the program and t.float64 in the snapshot')
  })
})

test('a process function is told of checkpoints, in its kernel as in its plain form', () => {
  const told: string[] = []
  const fn = {
    processElement() {},
    notifyCheckpointComplete: (id: number) => void told.push(`complete ${id}`),
    notifyCheckpointAborted: (id: number) => void told.push(`aborted ${id}`),
  }
  const descriptor = { kind: 'process', fn } as unknown as OperatorDescriptor
  const ctx = { ...testContext(), output: {} } as unknown as OperatorContext
  for (const operator of [make(descriptor), createKernel(descriptor, [{ kind: 'field', field: 'k' }], ctx)!]) {
    operator.notifyCheckpointComplete!(3)
    operator.notifyCheckpointAborted!(4)
  }
  expect(told).toEqual(['complete 3', 'aborted 4', 'complete 3', 'aborted 4'])
})

test('two inputs share what is restored, and event time goes on where it was', async () => {
  const emitted: unknown[] = []
  const ctx = {
    ...testContext(),
    output: { emit: (row: unknown) => void emitted.push(row), emitSide: () => {}, isFull: false },
    requestProcessingTimer: () => {},
    numLateRecordsDropped: { value: 0 },
  } as unknown as OperatorContext
  const descriptor = {
    kind: 'coProcess',
    fn: {
      state: { sum: valueState<number>(t.float64) },
      operatorState: { all: operatorListState<number>() },
      processElement1(n: number, c: any) {
        c.state.sum.update((c.state.sum.value ?? 0) + n)
        c.operatorState.all.add(n)
        c.timerService.registerEventTimeTimer(50)
      },
      processElement2(_n: number, c: any, out: any) {
        out.collect([c.currentKey, c.state.sum.value, c.operatorState.all.get(), c.timerService.currentWatermark])
      },
      onTimer(time: number, c: any, out: any) {
        out.collect([c.currentKey, 'timer', time])
      },
    },
  } as unknown as OperatorDescriptor
  const keys = [{ kind: 'field', field: 'k' } as const, { kind: 'field', field: 'k' } as const]
  const first = createOperator(descriptor, ctx, keys)
  first.processElement(3, noTimestamp, 'a')
  first.processElement(4, noTimestamp, 'b')
  first.advanceWatermark(20)
  expect(first.currentWatermark).toBe(20)
  const states = first.snapshotState!(checkpoint).map(readState)
  const restored = createOperator(descriptor, ctx, keys)
  await restored.restoreState!(restoredFrom(states, 20))
  restored.processElement2!(0, noTimestamp, 'a')
  restored.advanceWatermark(60)
  expect(emitted.slice(0, 1)).toEqual([['a', 3, [3, 4], 20]])
  expect(emitted.slice(1).map(String).sort()).toEqual(['a,timer,50', 'b,timer,50'])
})

test('processing timers that are restored are asked for again', async () => {
  const requested: number[] = []
  const ctx = {
    ...testContext(),
    output: { emit: () => {}, emitSide: () => {}, isFull: false },
    requestProcessingTimer: (atMs: number) => void requested.push(atMs),
    numLateRecordsDropped: { value: 0 },
  } as unknown as OperatorContext
  const fn = {
    processElement: (at: number, c: any) => c.timerService.registerProcessingTimeTimer(at),
    onTimer() {},
  }
  const descriptor = { kind: 'process', fn } as unknown as OperatorDescriptor
  const key = { kind: 'field', field: 'k' } as const
  const forms = [(): StreamOperator => createOperator(descriptor, ctx, [key]), (): StreamOperator => createKernel(descriptor, [key], ctx)!]
  for (const form of forms) {
    const first = form()
    for (const at of [900, 300, 700]) first.processElement(at, noTimestamp, `key ${at}`)
    const states = first.snapshotState!(checkpoint).map(readState)
    requested.length = 0
    await form().restoreState!(restoredFrom(states))
    expect(requested).toEqual([300])
  }
})
