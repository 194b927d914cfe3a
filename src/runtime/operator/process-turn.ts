/**
 * What the calls of a process function share: the context object (one, used again for every call), its collector, and on
 * a keyed stream the state and the timers. A call of user code is a turn: between turns there is no key, and emitting,
 * setting a timer or touching state is an error.
 */
import { StreamError } from '../../base/core/stream-error.ts'
import type { Collector, OnTimerContext, OutputTag, TimerService } from '../../program/function/functions.ts'
import type { OpenContext, OperatorStateDeclarations, OperatorStateHandles } from '../../program/function/operator-state.ts'
import type { RuntimeContext } from '../../program/function/runtime-context.ts'
import type { StateDeclarations, StateHandles } from '../../program/function/state.ts'
import type { TimeDomain } from '../../program/function/window.ts'
import type { KeyedBackend } from '../state/keyed-backend.ts'
import type { RestoredState, StateSnapshot } from '../state/snapshot.ts'
import { minWatermark, noTimestamp, type OperatorContext } from './operator.ts'
import { checkStateNames, OperatorStates } from './operator-states.ts'
import { TurnCollector } from './turn-collector.ts'
import { isPromise, refusePromise, runtimeOf, userFailure } from './user-function.ts'

export type OnTimer = (timestamp: number, ctx: OnTimerContext<any, any, any>, out: Collector<unknown>) => unknown

/** The parts of a process function that are not its processElement. */
export interface ProcessParts {
  readonly state?: StateDeclarations
  readonly operatorState?: OperatorStateDeclarations
  readonly onTimer?: OnTimer
}

export class ProcessTurn {
  readonly runtime: OpenContext<any>
  readonly context: TurnContext
  readonly collector: TurnCollector
  readonly #ctx: OperatorContext
  readonly #backend: KeyedBackend | undefined
  readonly #onTimer: OnTimer | undefined
  readonly #operatorStates: OperatorStates
  #watermark = minWatermark
  #isOpening = false
  #isRestored = false
  readonly #isFull = (): boolean => this.#ctx.output.isFull
  readonly #fire = (time: number, domain: TimeDomain): void => {
    this.begin(domain === 'event' ? time : noTimestamp)
    this.context.timeDomain = domain
    try {
      this.answered('onTimer', this.#onTimer!(time, this.context, this.collector))
    } catch (thrown) {
      this.failed('onTimer', thrown)
    }
    this.end()
  }

  /** `backend` holds state and timers; undefined: the stream has no keys. */
  constructor(ctx: OperatorContext, parts: ProcessParts, backend: KeyedBackend | undefined) {
    this.#ctx = ctx
    this.#onTimer = parts.onTimer
    this.collector = new TurnCollector(ctx)
    const declarations = Object.entries(parts.state ?? {})
    checkStateNames(ctx.operatorName, Object.keys(parts.state ?? {}), Object.keys(parts.operatorState ?? {}))
    this.#operatorStates = new OperatorStates(ctx.operatorName, parts.operatorState ?? {}, (did) => {
      if (!this.#isOpening) this.collector.mustBeOpen(did)
    })
    this.runtime = this.#openContext()
    if (backend === undefined && declarations.length > 0) throw needsKey(ctx, 'declares keyed state')
    this.#backend = backend
    const handles = declarations.map(([name, declaration]) => [name, backend!.declare(name, declaration)])
    this.context = new TurnContext(this.runtime, this.collector, Object.fromEntries(handles), this.#timerService(), backend)
  }

  /** `open` calls the user's own; it may use operator state until it has ended. */
  open(open: () => void | Promise<void>): void | Promise<void> {
    const opened = (): void => {
      this.#isOpening = false
    }
    this.#isOpening = true
    const opening = open()
    if (opening === undefined) opened()
    else return opening.finally(opened)
  }

  #openContext(): OpenContext<any> {
    const turn = this
    return {
      ...runtimeOf(this.#ctx),
      operatorState: this.#operatorStates.handles as OperatorStateHandles<any>,
      get isRestored() {
        return turn.#isRestored
      },
    }
  }

  /** One call of user code for an element, which emits with `timestamp`. */
  run(
    what: string,
    timestamp: number,
    key: unknown,
    call: (context: OnTimerContext<any, any, any>, out: Collector<unknown>) => unknown,
  ): void {
    try {
      this.#backend?.enter(key)
      this.begin(timestamp)
      this.answered(what, call(this.context, this.collector))
    } catch (thrown) {
      this.failed(what, thrown)
    }
    this.end()
  }

  /** A turn by hand, for whoever calls user code itself: key entered, begin, the call, `answered`, then `end`, or `failed` with what was thrown. */
  begin(timestamp: number): void {
    this.context.time = timestamp
    this.collector.begin(timestamp)
  }

  answered(what: string, result: unknown): void {
    if (isPromise(result)) refusePromise(result, this.#ctx, what)
  }

  end(): void {
    this.collector.end()
    this.#backend?.leave()
  }

  failed(what: string, thrown: unknown): never {
    this.end()
    throw userFailure(this.#ctx, what, thrown)
  }

  advanceWatermark(watermark: number): boolean {
    if (watermark > this.#watermark) this.#watermark = watermark
    return this.#backend?.advanceWatermark(watermark, this.#fire, this.#isFull) ?? true
  }

  fireProcessingTimers(nowMs: number): boolean {
    return this.#backend?.fireProcessingTimers(nowMs, this.#fire, this.#isFull) ?? true
  }

  get currentWatermark(): number {
    return this.#watermark
  }

  /** Whether a snapshot is in flight. */
  get isSaving(): boolean {
    return this.#backend?.isSaving ?? false
  }

  snapshotState(): readonly StateSnapshot[] {
    return [...(this.#backend?.snapshot() ?? []), ...this.#operatorStates.snapshot()]
  }

  async restoreState(restored: RestoredState): Promise<void> {
    this.#watermark = restored.watermark
    this.#isRestored = true
    await this.#backend?.restore(restored)
    await this.#operatorStates.restore(restored.tables)
  }

  get numEventTimers(): number {
    return this.#backend?.numEventTimers ?? 0
  }

  get numProcessingTimers(): number {
    return this.#backend?.numProcessingTimers ?? 0
  }

  #timerService(): TimerService {
    const turn = this
    const clock = this.#ctx.clock
    const timers = (): KeyedBackend => turn.#timersForUse()
    return {
      get currentWatermark() {
        return turn.#watermark
      },
      get currentProcessingTime() {
        return clock.now()
      },
      registerEventTimeTimer: (timestamp) => timers().registerEventTimer(timestamp),
      registerProcessingTimeTimer: (timestamp) => timers().registerProcessingTimer(timestamp),
      deleteEventTimeTimer: (timestamp) => timers().deleteEventTimer(timestamp),
      deleteProcessingTimeTimer: (timestamp) => timers().deleteProcessingTimer(timestamp),
    }
  }

  #timersForUse(): KeyedBackend {
    this.collector.mustBeOpen('used a timer')
    if (this.#backend === undefined) throw needsKey(this.#ctx, 'uses a timer')
    if (this.#onTimer === undefined) throw needsOnTimer(this.#ctx)
    return this.#backend
  }
}

class TurnContext implements OnTimerContext<any, any, any> {
  /** The timestamp; noTimestamp if there is none. */
  time = noTimestamp
  timeDomain: TimeDomain = 'event'
  readonly runtime: RuntimeContext
  readonly state: StateHandles<any>
  readonly operatorState: OperatorStateHandles<any>
  readonly timerService: TimerService
  readonly #collector: TurnCollector
  readonly #backend: KeyedBackend | undefined

  constructor(
    runtime: OpenContext<any>,
    collector: TurnCollector,
    state: StateHandles<any>,
    timerService: TimerService,
    backend: KeyedBackend | undefined,
  ) {
    this.runtime = runtime
    this.operatorState = runtime.operatorState
    this.#collector = collector
    this.state = state
    this.timerService = timerService
    this.#backend = backend
  }

  get timestamp(): number | null {
    const { time } = this
    return time === time ? time : null
  }

  get currentKey(): any {
    return this.#backend?.currentKey
  }

  output<X>(tag: OutputTag<X>, value: X): void {
    this.#collector.collectSide(tag.id, value)
  }
}

function needsKey(ctx: OperatorContext, does: string): StreamError {
  return new StreamError('INVALID_PROGRAM', `Operator ${ctx.operatorName} ${does}, and its stream has no keys`, {
    hint: 'Put keyBy before process: state and timers belong to a key.',
    place: { operator: ctx.operatorName },
  })
}

function needsOnTimer(ctx: OperatorContext): StreamError {
  return new StreamError('INVALID_PROGRAM', `Operator ${ctx.operatorName} sets a timer and has no onTimer`, {
    hint: 'Give process an object { processElement, onTimer } instead of one function.',
    place: { operator: ctx.operatorName },
  })
}
