/**
 * The general window operator, a row at a time: every assigner, trigger, evictor and window function, keyed or over the
 * whole stream. It is what column kernels are measured against: they answer the same rows.
 *
 * For each key and window it keeps contents, trigger states and the function's own state, all in keyed state under the
 * window's namespace, and a cleanup timer that ends them. Sessions keep their contents under a state window of their own
 * (merging-window-set.ts). What a watermark fires goes out before the watermark; firing stops where the output is full.
 */
import type { ValueState } from '../../../program/function/state.ts'
import type { TimeDomain, TimeWindow, TriggerResult } from '../../../program/function/window.ts'
import type { KeySpec, WindowDescriptor } from '../../../program/graph/operator-descriptor.ts'
import { HeapKeyedState } from '../../state/heap-keyed-state.ts'
import { InternalTimers } from '../../state/internal-timers.ts'
import type { RestoredState, StateSnapshot } from '../../state/snapshot.ts'
import { maxWatermark, type OperatorContext, type StreamOperator } from '../operator.ts'
import { FunctionLifecycle, userFailure } from '../user-function.ts'
import { checkWindow, endedByMerging, withoutTimestamp } from './check-window.ts'
import { createTrigger, defaultTrigger } from './create-trigger.ts'
import { addToSessions, findSession, removeSession, type Session } from './merging-window-set.ts'
import { fires, purges, type TriggerRunner } from './trigger.ts'
import { type Assigner, createAssigner, maxTimestamp } from './window-assigner.ts'
import { createContents, type WindowContents } from './window-contents.ts'
import { createWindowFunction, processOf, type WindowFunction } from './window-function.ts'
import { createNamespaces, type WindowNamespace, type WindowNamespaces } from './window-namespace.ts'
import { isWindowsTable, type RestoredContents, restoreWindows } from './window-restore.ts'
import { WindowScope } from './window-scope.ts'
import { contentsState, namespaceColumns, sessionsState, timersTable, windowTables } from './window-snapshot.ts'

/** The key of windows over the whole stream. */
const wholeStream = 0

export class WindowOperator implements StreamOperator {
  readonly #ctx: OperatorContext
  readonly #descriptor: WindowDescriptor
  readonly #keyed: boolean
  readonly #assigner: Assigner
  readonly #namespaces: WindowNamespaces
  readonly #state: HeapKeyedState
  readonly #timers: InternalTimers<WindowNamespace>
  readonly #scope: WindowScope
  readonly #trigger: TriggerRunner
  readonly #triggerStates: string[] = []
  readonly #contents: WindowContents
  readonly #function: WindowFunction
  readonly #sessions: ValueState<Session[]> | undefined
  readonly #lifecycles: readonly FunctionLifecycle[]
  readonly #isFull = (): boolean => this.#ctx.output.isFull
  readonly #fire = (key: unknown, namespace: WindowNamespace, time: number, domain: TimeDomain): void =>
    this.#onTimer(key, namespace, time, domain)

  constructor(ctx: OperatorContext, descriptor: WindowDescriptor, keySpec: KeySpec | undefined) {
    const { assigner, apply } = descriptor
    this.#ctx = ctx
    this.#descriptor = descriptor
    this.#keyed = keySpec !== undefined
    this.#assigner = createAssigner(assigner)
    this.#namespaces = createNamespaces(assigner)
    this.#state = new HeapKeyedState(ctx)
    this.#timers = new InternalTimers((atMs) => ctx.requestProcessingTimer(atMs))
    this.#scope = new WindowScope(this.#timers, ctx.clock)
    this.#sessions = this.#assigner.merging
      ? this.#state.declare<ValueState<Session[]>>(
          sessionsState,
          { kind: 'value' },
          { asIs: true, perKey: true, copy: (sessions) => (sessions as Session[]).slice() },
        )
      : undefined
    this.#trigger = createTrigger(descriptor.trigger ?? defaultTrigger(assigner), {
      scope: this.#scope,
      time: this.#assigner.time,
      declare: (name, declaration, ofUser) => {
        this.#triggerStates.push(`trigger.${name}`)
        return this.#state.declare(`trigger.${name}`, declaration, { asIs: !ofUser })
      },
    })
    this.#contents = createContents(ctx, this.#state, apply, descriptor.evictor)
    this.#function = createWindowFunction({ apply, keySpec, state: this.#state, scope: this.#scope, context: ctx })
    const withLifecycle = [apply.kind === 'aggregate' || apply.kind === 'reduce' ? apply.fn : undefined, processOf(apply)]
    this.#lifecycles = withLifecycle.filter((fn) => fn !== undefined).map((fn) => new FunctionLifecycle(ctx, fn))
    checkWindow(ctx, descriptor, this.#trigger)
  }

  async open(): Promise<void> {
    for (const lifecycle of this.#lifecycles) await lifecycle.open()
  }

  async close(): Promise<void> {
    const closed = await Promise.allSettled(this.#lifecycles.map(async (lifecycle) => lifecycle.close()))
    for (const result of closed) if (result.status === 'rejected') throw result.reason
  }

  get numEventTimers(): number {
    return this.#timers.numEventTimers
  }

  get numProcessingTimers(): number {
    return this.#timers.numProcessingTimers
  }

  /** Keys that hold anything: 0 once every window has been cleaned up. */
  get numKeys(): number {
    return this.#state.numKeys
  }

  advanceWatermark(watermark: number): boolean {
    return this.#timers.advanceWatermark(watermark, this.#fire, this.#isFull)
  }

  fireProcessingTimers(nowMs: number): boolean {
    return this.#timers.fireProcessingTimers(nowMs, this.#fire, this.#isFull)
  }

  processElement(row: unknown, timestamp: number, key: unknown): void {
    if (Number.isNaN(timestamp) && this.#assigner.time === 'event') throw withoutTimestamp(this.#ctx)
    try {
      this.#enter(this.#keyed ? key : wholeStream)
      // Read once an element: a clock that moved between assigning and merging would end a window in between.
      const nowMs = this.#assigner.time === 'event' ? 0 : this.#scope.currentProcessingTime
      const windows = this.#assigner.assign(row, timestamp, nowMs)
      let taken = 0
      for (const window of windows) if (this.#addToWindow(row, timestamp, window, nowMs)) taken++
      // In a gap between sliding windows an element belongs to no window: it is not late.
      if (taken === 0 && windows.length > 0) this.#dropLate(row, timestamp)
    } catch (thrown) {
      throw userFailure(this.#ctx, 'A window function', thrown)
    } finally {
      this.#state.leaveKey()
    }
  }

  /** Takes over a window that another form of this operator held. */
  adopt(key: unknown, window: TimeWindow, accumulator: unknown): void {
    this.#take(key, window, { kind: 'accumulator', accumulator })
  }

  /** What a window holds, or a part of it. What was to fire by now has fired; the default trigger's timers follow from that. */
  #take(key: unknown, window: TimeWindow, contents: RestoredContents): void {
    const cleanup = this.#cleanupTime(window)
    if (this.#isLate(window)) return
    this.#enter(key)
    if (this.#sessions !== undefined) {
      const list = this.#sessions.value ?? []
      addToSessions(list, window)
      this.#sessions.update(list)
    }
    this.#pointAt(this.#namespaces.of(window))
    if (contents.kind === 'accumulator') this.#contents.adopt!(contents.accumulator)
    else if (contents.kind === 'element') this.#contents.add(contents.row, contents.timestamp)
    if (this.#descriptor.trigger === undefined) this.#trigger.onMerge(window)
    if (cleanup < maxWatermark) this.#scope.register(this.#assigner.time, cleanup)
    this.#state.leaveKey()
  }

  get currentWatermark(): number {
    return this.#scope.currentWatermark
  }

  /** Timers of the default trigger follow from the windows, as long as these hold something. */
  snapshotState(): readonly StateSnapshot[] {
    const namespaces = namespaceColumns(this.#namespaces)
    const tables = windowTables(this.#descriptor, this.#namespaces)
    const states = this.#state.snapshot({ namespaces, tables, within: [contentsState, sessionsState] })
    const { trigger, evictor } = this.#descriptor
    if (trigger === undefined && evictor === undefined) return states
    return [...states, this.#timers.snapshot(this.#ctx.maxParallelism, namespaces)]
  }

  async restoreState({ tables, watermark }: RestoredState): Promise<void> {
    const namespaces = namespaceColumns(this.#namespaces)
    await this.#timers.restore(undefined, watermark)
    for (const table of tables) {
      if (table.name === timersTable) await this.#timers.restore(table, watermark, namespaces)
      else if (isWindowsTable(table))
        await restoreWindows(this.#ctx.operatorName, table, this.#descriptor, (key, window, contents) => this.#take(key, window, contents))
      else if (this.#state.has(table.name)) await this.#state.restore(table, { namespaces })
    }
  }

  #enter(key: unknown): void {
    this.#state.setCurrentKey(key)
    this.#scope.key = key
  }

  /** State and timers are now those of this window of the current key. */
  #pointAt(namespace: WindowNamespace): void {
    this.#state.setCurrentNamespace(namespace)
    this.#scope.namespace = namespace
  }

  /** Answers whether the element went into the window: false when the window is late. */
  #addToWindow(row: unknown, timestamp: number, assigned: TimeWindow, nowMs: number): boolean {
    const session = this.#sessions === undefined ? undefined : this.#mergeInto(this.#sessions, assigned, nowMs)
    const window = session?.window ?? assigned
    if (this.#isLate(window)) {
      if (this.#sessions !== undefined) this.#retire(this.#sessions, window)
      return false
    }
    const namespace = this.#namespaces.of(window)
    const contentsIn = session === undefined ? namespace : this.#namespaces.of(session.stateWindow)
    this.#state.setCurrentNamespace(contentsIn)
    this.#contents.add(row, timestamp)
    this.#pointAt(namespace)
    const result = this.#trigger.onElement(row, timestamp, window)
    this.#act(result, window, contentsIn, false)
    const cleanup = this.#cleanupTime(window)
    if (cleanup < maxWatermark) this.#scope.register(this.#assigner.time, cleanup)
    return true
  }

  /** Puts a window among the key's sessions; trigger states, timers and contents of those it joins become its own. */
  #mergeInto(sessions: ValueState<Session[]>, window: TimeWindow, nowMs: number): Session {
    let list = sessions.value
    if (list === null) {
      list = []
      sessions.update(list)
    } else this.#state.aboutToChange()
    const { session, merged } = addToSessions(list, window)
    if (merged.length === 0) return session
    if (this.#assigner.time === 'processing' && maxTimestamp(session.window) <= nowMs) throw endedByMerging(session.window)
    const target = this.#namespaces.of(session.window)
    const old = merged.map(({ window: gone }) => this.#namespaces.of(gone))
    for (const [index, { window: gone }] of merged.entries()) {
      this.#pointAt(old[index]!)
      this.#trigger.beforeMerge(gone)
      this.#scope.delete(this.#assigner.time, this.#cleanupTime(gone))
    }
    if (this.#triggerStates.length > 0) this.#state.mergeNamespaces(target, old, this.#triggerStates)
    this.#pointAt(target)
    this.#trigger.onMerge(session.window)
    for (const [index, { window: gone }] of merged.entries()) {
      this.#pointAt(old[index]!)
      this.#trigger.clear(gone)
    }
    const [contentsIn, ...moved] = merged.map(({ stateWindow }) => this.#namespaces.of(stateWindow))
    if (moved.length > 0) this.#state.mergeNamespaces(contentsIn!, moved, [contentsState])
    return session
  }

  #onTimer(key: unknown, namespace: WindowNamespace, time: number, domain: TimeDomain): void {
    const window = this.#namespaces.windowOf(namespace)
    try {
      this.#enter(key)
      let contentsIn = namespace
      if (this.#sessions !== undefined) {
        const session = findSession(this.#sessions.value ?? [], window)
        if (session === undefined) return // the timer of a custom trigger, of a window that was merged away or cleaned up
        contentsIn = this.#namespaces.of(session.stateWindow)
      }
      const ends = domain === this.#assigner.time && time === this.#cleanupTime(window)
      this.#pointAt(namespace)
      this.#act(
        domain === 'event' ? this.#trigger.onEventTime(time, window) : this.#trigger.onProcessingTime(time, window),
        window,
        contentsIn,
        ends,
      )
      if (ends) this.#cleanUp(key, window, namespace, contentsIn)
    } catch (thrown) {
      throw userFailure(this.#ctx, 'A window function', thrown)
    } finally {
      this.#state.leaveKey()
    }
  }

  /** Does what the trigger said; `ends`: the window is cleaned up after this. */
  #act(result: TriggerResult, window: TimeWindow, contentsIn: WindowNamespace, ends: boolean): void {
    if (result === 'continue') return
    this.#state.setCurrentNamespace(contentsIn)
    if (fires(result)) {
      const livesOn = !ends && !purges(result)
      const key = this.#keyed ? this.#scope.key : undefined
      this.#contents.apply((contents) => this.#function.emit(key, window, contents, livesOn))
    }
    if (purges(result)) this.#contents.clear()
  }

  #cleanUp(key: unknown, window: TimeWindow, namespace: WindowNamespace, contentsIn: WindowNamespace): void {
    this.#state.setCurrentNamespace(contentsIn)
    this.#contents.clear()
    this.#state.setCurrentNamespace(namespace)
    this.#trigger.clear(window)
    this.#function.clear?.(this.#keyed ? key : undefined, window)
    this.#state.clearNamespace(namespace)
    if (this.#sessions !== undefined) this.#retire(this.#sessions, window)
  }

  #retire(sessions: ValueState<Session[]>, window: TimeWindow): void {
    const list = sessions.value ?? []
    this.#state.aboutToChange()
    removeSession(list, window)
    if (list.length === 0) sessions.clear()
  }

  /** From then on the window is late and holds nothing. */
  #cleanupTime(window: TimeWindow): number {
    if (this.#assigner.time === 'processing') return maxTimestamp(window)
    return Math.min(maxTimestamp(window) + this.#descriptor.allowedLatenessMs, maxWatermark)
  }

  #isLate(window: TimeWindow): boolean {
    return this.#assigner.time === 'event' && this.#cleanupTime(window) <= this.#scope.currentWatermark
  }

  /** An element whose windows are all late goes to the late output, or is dropped and counted. */
  #dropLate(row: unknown, timestamp: number): void {
    const { allowedLatenessMs, lateTag } = this.#descriptor
    if (this.#assigner.time !== 'event' || timestamp + allowedLatenessMs > this.#scope.currentWatermark) return
    if (lateTag === undefined) this.#ctx.numLateRecordsDropped.value++
    else this.#ctx.output.emitSide(lateTag.id, row, timestamp)
  }
}
