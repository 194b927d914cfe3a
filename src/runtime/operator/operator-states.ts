/**
 * Operator state of one subtask: lists and maps that a process function declares beside its keyed state. A snapshot takes each value
 * as it is; the first change after that is made to a copy.
 */
import { StreamError } from '../../base/core/stream-error.ts'
import type { OperatorStateDeclarations } from '../../program/function/operator-state.ts'
import { mustTakeOver } from '../state/check-state-types.ts'
import { chunkRows } from '../state/chunk-rows.ts'
import type { StateCell } from '../state/heap-keyed-state.ts'
import { restoredRows } from '../state/restored-rows.ts'
import type { RestoredTable, StateChunk, StateScope, StateSnapshot } from '../state/snapshot.ts'
import { makeStateHandle, type StateHandle } from '../state/state-handle.ts'
import { type StateShape, shapeOf } from '../state/state-shape.ts'

interface Declared {
  readonly name: string
  readonly scope: StateScope
  readonly shape: StateShape
  value: unknown
  /** Snapshots that read `value`. */
  readers: number
}

export class OperatorStates {
  readonly handles: Readonly<Record<string, StateHandle>>
  readonly #operatorName: string
  readonly #declared: readonly Declared[]

  /** `mustBeInTurn` fails where the state may not be touched now. */
  constructor(operatorName: string, declarations: OperatorStateDeclarations, mustBeInTurn: (did: string) => void) {
    this.#operatorName = operatorName
    const handles: Record<string, StateHandle> = {}
    this.#declared = Object.entries(declarations).map(([name, declaration]) => {
      const what = `state ${name} of operator ${operatorName}`
      const declared: Declared = { name, scope: declaration.scope, shape: shapeOf(declaration, what, 'own'), value: undefined, readers: 0 }
      handles[name] = makeStateHandle(declaration, cellOf(declared, what, mustBeInTurn), 'own')
      return declared
    })
    this.handles = handles
  }

  snapshot(): readonly StateSnapshot[] {
    return this.#declared.map((state) => {
      const { name, scope, shape, value } = state
      state.readers++
      return {
        ...{ name, scope, form: shape.form, ...(shape.declared !== undefined && { declared: shape.declared }) },
        chunks: () => chunksOf(shape, value),
        release: () => {
          if (state.value === value && state.readers > 0) state.readers--
        },
      }
    })
  }

  async restore(tables: readonly RestoredTable[]): Promise<void> {
    for (const state of this.#declared) {
      const table = tables.find(({ name }) => name === state.name)
      if (table === undefined) continue
      const { name, scope, shape } = state
      mustTakeOver(this.#operatorName, table, { name, scope, form: shape.form, declared: shape.declared })
      for await (const { rows } of restoredRows(table, shape.columns, shape.declared, this.#operatorName)) {
        for (const row of rows) state.value = shape.restore(state.value, row)
      }
    }
  }
}

function cellOf(state: Declared, what: string, mustBeInTurn: (did: string) => void): StateCell {
  const used = (): void => mustBeInTurn(`used ${what}`)
  const write = (value: unknown): void => {
    used()
    state.value = value
    state.readers = 0
  }
  return {
    what,
    write,
    clear: () => write(undefined),
    read() {
      used()
      return state.value
    },
    change() {
      used()
      if (state.readers > 0 && state.value !== undefined) write(state.shape.copy(state.value))
      return state.value
    },
  }
}

function* chunksOf(shape: StateShape, value: unknown): IterableIterator<StateChunk> {
  if (value === undefined) return
  const rows = [...shape.rowsOf(value)]
  for (let from = 0; from < rows.length; from += chunkRows) {
    const some = rows.slice(from, from + chunkRows)
    yield { rowCount: some.length, columns: shape.columns.map((name, c) => ({ name, values: some.map((row) => row[c]) })) }
  }
}

/** A name is one state's, and those of the engine are its own. */
export function checkStateNames(operator: string, keyed: readonly string[], ofOperator: readonly string[]): void {
  const twice = keyed.find((name) => ofOperator.includes(name))
  const reserved = [...keyed, ...ofOperator].find((name) => name === '_timers')
  if (twice === undefined && reserved === undefined) return
  const message =
    reserved !== undefined
      ? `State ${reserved} of operator ${operator} has a name of the engine's own`
      : `State ${twice} of operator ${operator} is declared twice: as keyed state and as operator state`
  throw new StreamError('INVALID_PROGRAM', message, { hint: 'Give each state of an operator a name of its own.', place: { operator } })
}
