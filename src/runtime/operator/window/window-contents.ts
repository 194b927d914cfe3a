/**
 * What a window holds of its elements: an accumulator, a reduced row, or all elements. It reads and writes the current
 * key and namespace of the keyed state, as every state does; with an evictor all elements are kept, with their timestamps.
 */
import type { AggregateFunction } from '../../../program/function/functions.ts'
import type { AppendingState, ListState } from '../../../program/function/state.ts'
import type { Evictor } from '../../../program/function/window.ts'
import type { WindowApply } from '../../../program/graph/operator-descriptor.ts'
import { ownRow } from '../../state/clone-value.ts'
import type { HeapKeyedState } from '../../state/heap-keyed-state.ts'
import type { StateHandle } from '../../state/state-handle.ts'
import type { OperatorContext } from '../operator.ts'
import { rollingAggregate } from '../rolling-aggregate.ts'
import { isPromise, refusePromise } from '../user-function.ts'
import { builtInAggregates } from './built-in-aggregates.ts'
import { evict, type TimedElement } from './evictor.ts'
import { contentsState } from './window-snapshot.ts'

export interface WindowContents {
  add(row: unknown, timestamp: number): void
  /**
   * Hands what the window function is to see to `use`: the one result (never undefined), or all elements. `use` is not
   * called for a window that holds nothing.
   */
  apply(use: (contents: any) => void): void
  clear(): void
  /** Takes over what another form of the operator held of a window, or a snapshot; only where contents are an accumulator. */
  adopt?(accumulator: unknown): void
}

export function createContents(
  ctx: OperatorContext,
  state: HeapKeyedState,
  apply: WindowApply,
  evictor: Evictor<any> | undefined,
): WindowContents {
  const fold = foldOf(ctx, apply)
  if (evictor !== undefined) return evictingContents(state, evictor, fold)
  if (fold === undefined) return allElements(state)
  const handle = state.declare<AppendingState<unknown, unknown> & StateHandle>(
    contentsState,
    { kind: 'aggregating', aggregate: fold },
    { asIs: true },
  )
  return {
    add: (row) => handle.add(row),
    apply(use) {
      const result = handle.get()
      if (result !== undefined) use(result)
    },
    clear: () => handle.clear(),
    adopt: (accumulator) => handle.merge!([accumulator]),
  }
}

/** The contents as one accumulator; undefined when the function sees the elements themselves. */
export function foldOf(ctx: OperatorContext, apply: WindowApply): AggregateFunction<any, any, any> | undefined {
  switch (apply.kind) {
    case 'aggregates':
      return builtInAggregates(apply.aggregates).fn
    case 'aggregate':
      return userAggregate(ctx, apply.fn)
    case 'reduce': {
      const { fn } = apply
      const reduce = typeof fn === 'function' ? fn : (a: any, b: any) => fn.reduce(a, b)
      return reducing((a, b) => synchronous(ctx, 'reduce', reduce(a, b)))
    }
    case 'rolling':
      return reducing(rollingAggregate(apply.op, apply.field, apply.first))
    case 'process':
      return undefined
  }
}

/** A user's accumulator may keep the row or its strings. */
function userAggregate(ctx: OperatorContext, fn: AggregateFunction<any, any, any>): AggregateFunction<any, any, any> {
  return {
    createAccumulator: () => fn.createAccumulator(),
    add: (row, accumulator) => synchronous(ctx, 'add', fn.add(ownRow(row), accumulator)),
    getResult: (accumulator) => synchronous(ctx, 'getResult', fn.getResult(accumulator)) ?? null,
    merge: (a, b) => fn.merge!(a, b),
  }
}

function synchronous(ctx: OperatorContext, what: string, result: unknown): unknown {
  return isPromise(result) ? refusePromise(result, ctx, what) : result
}

const none = Symbol('nothing reduced yet')

function reducing(reduce: (a: any, b: any) => unknown): AggregateFunction<any, any, any> {
  const combine = (a: unknown, b: unknown): unknown => (a === none ? b : reduce(a, b))
  return {
    createAccumulator: () => none,
    add: (row, reduced) => combine(reduced, ownRow(row)),
    getResult: (reduced) => reduced ?? null,
    merge: combine,
  }
}

function allElements(state: HeapKeyedState): WindowContents {
  const handle = state.declare<ListState<unknown>>(contentsState, { kind: 'list' }, { shareValues: true })
  return {
    add: (row) => handle.add(row),
    apply(use) {
      const elements = handle.get()
      if (elements.length > 0) use(elements)
    },
    clear: () => handle.clear(),
  }
}

function evictingContents(
  state: HeapKeyedState,
  evictor: Evictor<any>,
  fold: AggregateFunction<any, any, any> | undefined,
): WindowContents {
  const handle = state.declare<ListState<TimedElement>>(contentsState, { kind: 'list' }, { asIs: true })
  return {
    add: (row, timestamp) => handle.add({ value: ownRow(row), timestamp }),
    apply(use) {
      const held = handle.get()
      if (held.length === 0) return
      const before = evictor.after ? held : evict(evictor, held)
      if (before !== held) handle.update(before)
      if (before.length === 0) return
      const elements = before.map((element) => element.value)
      use(
        fold === undefined
          ? elements
          : fold.getResult(elements.reduce((accumulator, row) => fold.add(row, accumulator), fold.createAccumulator())),
      )
      if (!evictor.after) return
      const after = evict(evictor, before)
      if (after !== before) handle.update(after)
    },
    clear: () => handle.clear(),
  }
}
