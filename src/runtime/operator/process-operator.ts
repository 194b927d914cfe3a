/** process: a user's function with side outputs and, on a keyed stream, state and timers. */
import type { Collector, ProcessContext, ProcessFunction } from '../../program/function/functions.ts'
import { HeapBackend } from '../state/heap-backend.ts'
import { FunctionOperator } from './function-operator.ts'
import type { OperatorContext, StreamOperator } from './operator.ts'
import { ProcessTurn } from './process-turn.ts'

export class ProcessOperator extends FunctionOperator implements StreamOperator {
  readonly #processElement: (row: any, ctx: ProcessContext<any, any>, out: Collector<unknown>) => unknown
  readonly #turn: ProcessTurn
  #row: unknown
  readonly #call = (context: ProcessContext<any, any>, out: Collector<unknown>): unknown => this.#processElement(this.#row, context, out)

  constructor(ctx: OperatorContext, fn: ProcessFunction<any, any, any, any, any>, keyed: boolean) {
    const parts = typeof fn === 'function' ? {} : { state: fn.state, operatorState: fn.operatorState, onTimer: fn.onTimer?.bind(fn) }
    const turn = new ProcessTurn(ctx, parts, keyed ? new HeapBackend(ctx, (atMs) => ctx.requestProcessingTimer(atMs)) : undefined)
    super(ctx, fn, turn)
    this.#turn = turn
    this.#processElement = typeof fn === 'function' ? fn : fn.processElement.bind(fn)
  }

  processElement(row: unknown, timestamp: number, key: unknown): void {
    this.#row = row
    this.#turn.run('processElement', timestamp, key, this.#call)
  }
}
