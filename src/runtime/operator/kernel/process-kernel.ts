/**
 * process on a keyed stream as a kernel: the loop gives the key as a table key, makes the row and calls the user's function
 * with one context that is used again; state and timers are in typed tables. What the function emits goes through the
 * operator's output, as from the plain operator, whose turns these are.
 */
import type { ProcessFunction } from '../../../program/function/functions.ts'
import type { KeySpace, KeySpaceKind } from '../../state/key-space.ts'
import { TypedBackend } from '../../state/typed-backend.ts'
import type { TypedKeyedState } from '../../state/typed-keyed-state.ts'
import { firstValueWord, type TypedTable } from '../../state/typed-table.ts'
import { FunctionOperator } from '../function-operator.ts'
import type { OperatorContext } from '../operator.ts'
import { ProcessTurn } from '../process-turn.ts'
import type { KernelKey, KernelNames, KernelRow, KernelText, KeyedKernel } from './keyed-kernel.ts'
import { findText, type GroupRange } from './table-group.ts'

export class ProcessKernel extends FunctionOperator implements KeyedKernel {
  readonly keys: KeySpace
  readonly state: TypedKeyedState
  readonly fieldsRead = undefined
  readonly bindings: Readonly<Record<string, unknown>>
  /** The loop writes no table: what saves ahead of writes are the handles that the user's function calls. */
  readonly isSaving = false
  readonly #backend: TypedBackend
  readonly #groups: GroupRange
  readonly #turn: ProcessTurn
  readonly #processElement: (row: any, ctx: any, out: any) => unknown

  constructor(ctx: OperatorContext, fn: ProcessFunction<any, any, any, any, any>, groups: GroupRange) {
    const parts = typeof fn === 'function' ? {} : { state: fn.state, operatorState: fn.operatorState, onTimer: fn.onTimer?.bind(fn) }
    const backend = new TypedBackend({ operatorName: ctx.operatorName, groups, generated: true }, (atMs) =>
      ctx.requestProcessingTimer(atMs),
    )
    const turn = new ProcessTurn(ctx, parts, backend)
    super(ctx, fn, turn)
    this.#processElement = typeof fn === 'function' ? fn : fn.processElement.bind(fn)
    this.#backend = backend
    this.keys = backend.keys
    this.state = backend.state
    this.#groups = groups
    this.#turn = turn
    this.bindings = { processElement: this.#processElement, turnContext: this.#turn.context, turnCollector: this.#turn.collector }
  }

  requireKeyKind(kind: KeySpaceKind): void {
    this.#backend.requireKeyKind(kind)
  }

  addText({ kernel: K, id }: KernelNames, row: KernelRow, key: KernelKey): KernelText {
    const { tableKeyKind } = this.keys
    const { stride } = this.state
    const first = firstValueWord(tableKeyKind)
    return {
      before: `const tb${id} = ${K}.state.tables`,
      row: `${key.declare}
${findText(tableKeyKind, stride, key.k, key.h, `tb${id}`, this.#groups, id)}
${K}.begin(${key.k}, ${key.h}, t${id}, e${id} < 0 ? -1 : e${id} + ${first}, ${row.timestamp})
try {
  const u${id} = processElement(${row.row}, turnContext, turnCollector)
  if (u${id} !== undefined) ${K}.answered(u${id})
} catch (thrown) { ${K}.failed(thrown) }
${K}.end()`,
      after: '',
    }
  }

  /** The turn around the call that the loop makes. */
  begin(key: number, hash: number, table: TypedTable, at: number, timestamp: number): void {
    this.state.enterAt(key, hash, table, at)
    this.#turn.begin(timestamp)
  }

  answered(result: unknown): void {
    this.#turn.answered('processElement', result)
  }

  failed(thrown: unknown): never {
    return this.#turn.failed('processElement', thrown)
  }

  end(): void {
    this.#turn.end()
  }

  processElement(row: unknown, timestamp: number, key: unknown): void {
    this.#turn.run('processElement', timestamp, key, (context, out) => this.#processElement(row, context, out))
  }
}
