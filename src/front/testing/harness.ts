/**
 * Harnesses for one operator, ready to use. See operator-harness.ts for what they can do.
 *
 *     const harness = await processHarness(countPerKey, { keyBy: 'origin' })
 *     harness.processElement({ origin: 'OSL', delay: 4 }, 1_000)
 *     harness.processWatermark(60_000)
 *     expect(harness.values).toEqual([{ origin: 'OSL', flights: 1 }])
 */
import type { CoProcessFunction, ProcessFunction } from '../../program/function/functions.ts'
import type { OperatorStateDeclarations } from '../../program/function/operator-state.ts'
import type { Sink } from '../../program/function/sink.ts'
import type { StateDeclarations } from '../../program/function/state.ts'
import type { KeySpec, OperatorDescriptor } from '../../program/graph/operator-descriptor.ts'
import { type HarnessKey, type HarnessOptions, OperatorHarness } from './operator-harness.ts'

/** Any operator of one or two inputs, by its descriptor. Open. */
export function operatorHarness<I = any, O = any, I2 = any>(
  descriptor: OperatorDescriptor,
  options: HarnessOptions & { readonly keyBy?: HarnessKey<I>; readonly keyBy2?: HarnessKey<I2> } = {},
): Promise<OperatorHarness<I, O, I2>> {
  const keys = [options.keyBy, options.keyBy2].slice(0, descriptor.kind === 'coProcess' ? 2 : 1).map((key) => keySpec(key))
  return new OperatorHarness<I, O, I2>(descriptor, keys, options).open()
}

/** A process function; with keyBy it has state and timers. */
export function processHarness<
  I,
  O,
  S extends StateDeclarations = Record<never, never>,
  K = unknown,
  P extends OperatorStateDeclarations = Record<never, never>,
>(fn: ProcessFunction<I, O, S, K, P>, options: HarnessOptions & { readonly keyBy?: HarnessKey<I> } = {}): Promise<OperatorHarness<I, O>> {
  return operatorHarness<I, O>({ kind: 'process', fn: fn as ProcessFunction<any, any, any, any, any> }, options)
}

/** The function of two connected streams; keyed when both keys are given. */
export function coProcessHarness<
  A,
  B,
  O,
  S extends StateDeclarations = Record<never, never>,
  K = unknown,
  P extends OperatorStateDeclarations = Record<never, never>,
>(
  fn: CoProcessFunction<A, B, O, S, K, P>,
  options: HarnessOptions & { readonly keyBy?: HarnessKey<A>; readonly keyBy2?: HarnessKey<B> } = {},
): Promise<OperatorHarness<A, O, B>> {
  return operatorHarness<A, O, B>({ kind: 'coProcess', fn: fn as CoProcessFunction<any, any, any, any, any, any> }, options)
}

/** A sink's writer. */
export function sinkHarness<T>(sink: Sink<T>, options: HarnessOptions = {}): Promise<OperatorHarness<T, never>> {
  return operatorHarness<T, never>({ kind: 'sink', sink }, options)
}

function keySpec(key: HarnessKey<any> | undefined): KeySpec | undefined {
  if (key === undefined) return undefined
  if (typeof key === 'function') return { kind: 'function', fn: key }
  return typeof key === 'string' ? { kind: 'field', field: key } : { kind: 'fields', fields: key }
}
