/**
 * A window's process function behind a kernel: called with what the kernel's tables gave, in the plain operator's context.
 */
import type { KeySpec, WindowApply } from '../../../program/graph/operator-descriptor.ts'
import { HeapKeyedState } from '../../state/heap-keyed-state.ts'
import { InternalTimers } from '../../state/internal-timers.ts'
import type { OperatorContext } from '../operator.ts'
import { createWindowFunction, processOf, type WindowFunction } from '../window/window-function.ts'
import type { WindowNamespace } from '../window/window-namespace.ts'
import { WindowScope } from '../window/window-scope.ts'

export interface WindowEmitter {
  readonly emit: WindowFunction['emit']
  /** Event time as the function sees it. */
  advance(watermark: number): void
}

/** Whether a kernel can call the function: it has neither state nor a life cycle. */
export function isPlainProcess(apply: WindowApply): boolean {
  const process = processOf(apply)
  if (process === undefined || typeof process === 'function') return true
  return [process.open, process.close, process.clear, process.windowState, process.globalState].every((part) => part === undefined)
}

export function windowEmitter(apply: WindowApply, keySpec: KeySpec, context: OperatorContext): WindowEmitter | undefined {
  if (processOf(apply) === undefined) return undefined
  const timers = new InternalTimers<WindowNamespace>((atMs) => context.requestProcessingTimer(atMs))
  const scope = new WindowScope(timers, context.clock)
  const fn = createWindowFunction({ apply, keySpec, state: new HeapKeyedState(context), scope, context })
  return {
    emit: (key, window, contents, livesOn) => fn.emit(key, window, contents, livesOn),
    advance: (watermark) => void timers.advanceWatermark(watermark, noTimer, neverFull),
  }
}

function noTimer(): void {}

const neverFull = (): boolean => false
