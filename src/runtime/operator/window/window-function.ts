/**
 * How a window's contents become rows. Every row of a window carries the window's last millisecond as its timestamp.
 */
import type { OutputTag } from '../../../program/function/functions.ts'
import type { RuntimeContext } from '../../../program/function/runtime-context.ts'
import type { StateDeclaration, StateDeclarations, StateHandles } from '../../../program/function/state.ts'
import type { ProcessWindowFunctionObject, TimeWindow, WindowContext } from '../../../program/function/window.ts'
import type { AnyProcessWindowFunction, KeySpec, WindowApply } from '../../../program/graph/operator-descriptor.ts'
import { cloneValue } from '../../state/clone-value.ts'
import type { HeapKeyedState } from '../../state/heap-keyed-state.ts'
import type { OperatorContext } from '../operator.ts'
import { TurnCollector } from '../turn-collector.ts'
import { isPromise, refusePromise, runtimeOf } from '../user-function.ts'
import { type Accumulator, builtInAggregates } from './built-in-aggregates.ts'
import type { TriggerScope } from './trigger.ts'
import { maxTimestamp } from './window-assigner.ts'

export interface WindowFunction {
  /** `livesOn`: the contents stay and may change after this firing. */
  emit(key: unknown, window: TimeWindow, contents: any, livesOn: boolean): void
  /** The window is cleaned up. */
  clear?(key: unknown, window: TimeWindow): void
}

/** What a window function is made with. */
export interface WindowFunctionSetting {
  readonly apply: WindowApply
  /** Absent: windows over the whole stream. */
  readonly keySpec: KeySpec | undefined
  readonly state: HeapKeyedState
  readonly scope: TriggerScope
  readonly context: OperatorContext
}

export function createWindowFunction(setting: WindowFunctionSetting): WindowFunction {
  const { apply, context } = setting
  const { output } = context
  if (apply.kind === 'aggregates') {
    const toRow = aggregateRow(setting.keySpec, builtInAggregates(apply.aggregates))
    return { emit: (key, window, contents) => output.emit(toRow(key, window, contents), maxTimestamp(window)) }
  }
  // A result may be the accumulator itself or share parts with it, and what was emitted may not change any more.
  const final = (result: unknown, livesOn: boolean): unknown =>
    apply.kind === 'aggregate' && livesOn && typeof result === 'object'
      ? cloneValue(result, `The result of a window of operator ${context.operatorName}`)
      : result
  const process = processOf(apply)
  if (process === undefined)
    return { emit: (_key, window, contents, livesOn) => output.emit(final(contents, livesOn), maxTimestamp(window)) }
  const call = new ProcessCall(setting, process)
  const seesElements = apply.kind === 'process'
  return {
    emit: (key, window, contents, livesOn) => call.process(key, window, seesElements ? contents : [final(contents, livesOn)]),
    clear: (key, window) => call.clear(key, window),
  }
}

export function processOf(apply: WindowApply): AnyProcessWindowFunction | undefined {
  return apply.kind === 'rolling' || apply.kind === 'aggregates' ? undefined : apply.process
}

/** { ...key fields, windowStart, windowEnd, ...aggregates }. */
function aggregateRow(keySpec: KeySpec | undefined, { names, resultOf }: ReturnType<typeof builtInAggregates>) {
  return (key: any, window: TimeWindow, accumulator: Accumulator): unknown => {
    const row: Record<string, unknown> = {}
    if (keySpec?.kind === 'field') setField(row, keySpec.field, key)
    else if (keySpec?.kind === 'fields') for (const field of keySpec.fields) setField(row, field, key[field])
    else if (keySpec?.kind === 'function') row.key = key
    row.windowStart = window.start
    row.windowEnd = window.end
    for (let i = 0; i < names.length; i++) setField(row, names[i]!, resultOf(accumulator, i))
    return row
  }
}

function setField(row: Record<string, unknown>, name: string, value: unknown): void {
  if (name === '__proto__') Object.defineProperty(row, name, { value, enumerable: true, configurable: true, writable: true })
  else row[name] = value
}

type ProcessObject = ProcessWindowFunctionObject<any, any, any, StateDeclarations, StateDeclarations>

/** One process function with the context and collector that every call of it is given. */
class ProcessCall {
  readonly #user: ProcessObject
  readonly #context: CallContext
  readonly #collector: TurnCollector
  readonly #operator: OperatorContext

  constructor({ state, scope, context }: WindowFunctionSetting, fn: AnyProcessWindowFunction) {
    this.#user = typeof fn === 'function' ? { process: fn } : fn
    this.#operator = context
    this.#collector = new TurnCollector(context)
    this.#context = new CallContext(runtimeOf(context), scope, this.#collector, {
      windowState: declareAll(state, 'windowState', this.#user.windowState, false),
      globalState: declareAll(state, 'globalState', this.#user.globalState, true),
    })
  }

  process(key: unknown, window: TimeWindow, elements: readonly unknown[]): void {
    this.#turn('process', key, window, () => this.#user.process(elements, this.#context, this.#collector))
  }

  clear(key: unknown, window: TimeWindow): void {
    if (this.#user.clear !== undefined) this.#turn('clear', key, window, () => this.#user.clear!(this.#context))
  }

  #turn(what: string, key: unknown, window: TimeWindow, call: () => unknown): void {
    this.#context.key = key
    this.#context.window = window
    this.#collector.begin(maxTimestamp(window))
    try {
      const result = call()
      if (isPromise(result)) refusePromise(result, this.#operator, what)
    } finally {
      this.#collector.end()
    }
  }
}

class CallContext implements WindowContext<any, any, any> {
  key: unknown
  window: TimeWindow = { start: 0, end: 0 }
  readonly runtime: RuntimeContext
  readonly windowState: StateHandles<any>
  readonly globalState: StateHandles<any>
  readonly #scope: TriggerScope
  readonly #collector: TurnCollector

  constructor(
    runtime: RuntimeContext,
    scope: TriggerScope,
    collector: TurnCollector,
    states: { windowState: StateHandles<any>; globalState: StateHandles<any> },
  ) {
    this.runtime = runtime
    this.windowState = states.windowState
    this.globalState = states.globalState
    this.#scope = scope
    this.#collector = collector
  }

  get currentWatermark(): number {
    return this.#scope.currentWatermark
  }

  get currentProcessingTime(): number {
    return this.#scope.currentProcessingTime
  }

  output<X>(tag: OutputTag<X>, value: X): void {
    this.#collector.collectSide(tag.id, value)
  }
}

/** States of a user's function, which are his own: copied on write and on read. */
function declareAll(
  state: HeapKeyedState,
  prefix: string,
  declarations: StateDeclarations | undefined,
  perKey: boolean,
): StateHandles<any> {
  const entries = Object.entries(declarations ?? {}) as [string, StateDeclaration][]
  return Object.fromEntries(entries.map(([name, declaration]) => [name, state.declare(`${prefix}.${name}`, declaration, { perKey })]))
}
