/** connect().process: two inputs into one function, which on keyed streams share state and timers by key. */

import { keyGroupRange } from '../../base/columnar/key-hash.ts'
import type { Collector, CoProcessFunction, ProcessContext } from '../../program/function/functions.ts'
import { TypedBackend } from '../state/typed-backend.ts'
import { FunctionOperator } from './function-operator.ts'
import type { OperatorContext, StreamOperator } from './operator.ts'
import { ProcessTurn } from './process-turn.ts'

export class CoProcessOperator extends FunctionOperator implements StreamOperator {
  readonly #turn: ProcessTurn
  #row: unknown
  readonly #call1: (context: ProcessContext<any, any>, out: Collector<unknown>) => unknown
  readonly #call2: (context: ProcessContext<any, any>, out: Collector<unknown>) => unknown

  constructor(ctx: OperatorContext, fn: CoProcessFunction<any, any, any, any, any, any>, keyed: boolean) {
    const turn = new ProcessTurn(
      ctx,
      { state: fn.state, operatorState: fn.operatorState, onTimer: fn.onTimer?.bind(fn) },
      keyed ? typedBackend(ctx) : undefined,
    )
    super(ctx, fn, turn)
    this.#turn = turn
    this.#call1 = (context, out) => fn.processElement1(this.#row, context, out)
    this.#call2 = (context, out) => fn.processElement2(this.#row, context, out)
  }

  processElement(row: unknown, timestamp: number, key: unknown): void {
    this.#row = row
    this.#turn.run('processElement1', timestamp, key, this.#call1)
  }

  processElement2(row: unknown, timestamp: number, key: unknown): void {
    this.#row = row
    this.#turn.run('processElement2', timestamp, key, this.#call2)
  }
}

function typedBackend(ctx: OperatorContext): TypedBackend {
  const { operatorName, subtaskIndex, parallelism, maxParallelism } = ctx
  const { start, end } = keyGroupRange(subtaskIndex, parallelism, maxParallelism)
  const groups = { first: start, count: end - start, maxParallelism }
  // This form also runs where no code may be generated.
  return new TypedBackend({ operatorName, groups, generated: false }, (atMs) => ctx.requestProcessingTimer(atMs))
}
