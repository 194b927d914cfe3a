/**
 * What the calls of a process function share: the context object (one, used again for every call), its collector, and on
 * a keyed stream the state and the timers. A call of user code is a turn: between turns there is no key, and emitting,
 * setting a timer or touching state is an error.
 */
import { StreamError } from '../../base/core/stream-error.ts'
import type { Collector, OnTimerContext, OutputTag, TimerService } from '../../program/function/functions.ts'
import type { RuntimeContext } from '../../program/function/runtime-context.ts'
import type { StateDeclarations, StateHandles } from '../../program/function/state.ts'
import type { TimeDomain } from '../../program/function/window.ts'
import { HeapKeyedState } from '../state/heap-keyed-state.ts'
import { InternalTimers } from '../state/internal-timers.ts'
import { minWatermark, noTimestamp, type OperatorContext } from './operator.ts'
import { TurnCollector } from './turn-collector.ts'
import { isPromise, refusePromise, runtimeOf, userFailure } from './user-function.ts'

export type OnTimer = (timestamp: number, ctx: OnTimerContext<any, any>, out: Collector<unknown>) => unknown

/** The parts of a process function that are not its processElement. */
export interface ProcessParts {
  readonly state?: StateDeclarations
  readonly onTimer?: OnTimer
}

interface Keyed {
  readonly state: HeapKeyedState
  readonly timers: InternalTimers
}

export class ProcessTurn {
  readonly runtime: RuntimeContext
  readonly #ctx: OperatorContext
  readonly #keyed: Keyed | undefined
  readonly #onTimer: OnTimer | undefined
  readonly #collector: TurnCollector
  readonly #context: TurnContext
  #watermark = minWatermark
  readonly #isFull = (): boolean => this.#ctx.output.isFull
  readonly #fire = (key: unknown, _namespace: undefined, time: number, domain: TimeDomain): void => {
    const timestamp = domain === 'event' ? time : noTimestamp
    this.#context.timeDomain = domain
    this.run('onTimer', timestamp, key, (context, out) => this.#onTimer!(time, context, out))
  }

  constructor(ctx: OperatorContext, parts: ProcessParts, keyed: boolean) {
    this.#ctx = ctx
    this.runtime = runtimeOf(ctx)
    this.#onTimer = parts.onTimer
    this.#collector = new TurnCollector(ctx)
    if (!keyed && Object.keys(parts.state ?? {}).length > 0) throw needsKey(ctx, 'declares keyed state')
    this.#keyed = keyed ? makeKeyed(ctx) : undefined
    const handles = Object.entries(parts.state ?? {}).map(([name, declaration]) => [name, this.#keyed!.state.declare(name, declaration)])
    this.#context = new TurnContext(this.runtime, this.#collector, Object.fromEntries(handles), this.#timerService())
  }

  /** One call of user code, which emits with `timestamp`. */
  run(what: string, timestamp: number, key: unknown, call: (context: OnTimerContext<any, any>, out: Collector<unknown>) => unknown): void {
    try {
      this.#keyed?.state.setCurrentKey(key)
      this.#context.timestamp = Number.isNaN(timestamp) ? null : timestamp
      this.#context.currentKey = key
      this.#collector.begin(timestamp)
      const result = call(this.#context, this.#collector)
      if (isPromise(result)) refusePromise(result, this.#ctx, what)
    } catch (thrown) {
      throw userFailure(this.#ctx, what, thrown)
    } finally {
      this.#collector.end()
      this.#keyed?.state.leaveKey()
    }
  }

  advanceWatermark(watermark: number): boolean {
    if (watermark > this.#watermark) this.#watermark = watermark
    return this.#keyed?.timers.advanceWatermark(watermark, this.#fire, this.#isFull) ?? true
  }

  fireProcessingTimers(nowMs: number): boolean {
    return this.#keyed?.timers.fireProcessingTimers(nowMs, this.#fire, this.#isFull) ?? true
  }

  get numEventTimers(): number {
    return this.#keyed?.timers.numEventTimers ?? 0
  }

  get numProcessingTimers(): number {
    return this.#keyed?.timers.numProcessingTimers ?? 0
  }

  #timerService(): TimerService {
    const turn = this
    const clock = this.#ctx.clock
    const timers = (): InternalTimers => turn.#timersForUse()
    return {
      get currentWatermark() {
        return turn.#watermark
      },
      get currentProcessingTime() {
        return clock.now()
      },
      registerEventTimeTimer: (timestamp) => timers().registerEventTimer(this.#context.currentKey, undefined, timestamp),
      registerProcessingTimeTimer: (timestamp) => timers().registerProcessingTimer(this.#context.currentKey, undefined, timestamp),
      deleteEventTimeTimer: (timestamp) => timers().deleteEventTimer(this.#context.currentKey, undefined, timestamp),
      deleteProcessingTimeTimer: (timestamp) => timers().deleteProcessingTimer(this.#context.currentKey, undefined, timestamp),
    }
  }

  #timersForUse(): InternalTimers {
    this.#collector.mustBeOpen('used a timer')
    if (this.#keyed === undefined) throw needsKey(this.#ctx, 'uses a timer')
    if (this.#onTimer === undefined) throw needsOnTimer(this.#ctx)
    return this.#keyed.timers
  }
}

class TurnContext implements OnTimerContext<any, any> {
  timestamp: number | null = null
  currentKey: any
  timeDomain: TimeDomain = 'event'
  readonly runtime: RuntimeContext
  readonly state: StateHandles<any>
  readonly timerService: TimerService
  readonly #collector: TurnCollector

  constructor(runtime: RuntimeContext, collector: TurnCollector, state: StateHandles<any>, timerService: TimerService) {
    this.runtime = runtime
    this.#collector = collector
    this.state = state
    this.timerService = timerService
  }

  output<X>(tag: OutputTag<X>, value: X): void {
    this.#collector.collectSide(tag.id, value)
  }
}

function makeKeyed(ctx: OperatorContext): Keyed {
  const { operatorName, maxParallelism } = ctx
  return {
    state: new HeapKeyedState({ operatorName, maxParallelism }),
    timers: new InternalTimers((atMs) => ctx.requestProcessingTimer(atMs)),
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
