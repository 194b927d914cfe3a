/**
 * The states that an operator will have, known from its plan before it runs: what is checked ahead of a restore. Pure. States of the
 * user have their types; of the engine's own it is known which an operator of that kind takes back.
 */
import type { StateDeclaration } from '../../program/function/state.ts'
import type { OperatorDescriptor, WindowDescriptor } from '../../program/graph/operator-descriptor.ts'
import type { StateType } from '../state/check-state-types.ts'
import type { StateScope } from '../state/snapshot.ts'
import { shapeOf } from '../state/state-shape.ts'
import { runningState } from './reduce-operator.ts'
import {
  accumulatorColumns,
  declaredAccumulator,
  elementsTable,
  oddWindowsTable,
  panesTable,
  windowsTable,
} from './window/accumulator-columns.ts'
import { emptySessionsTable } from './window/window-snapshot.ts'

type Declarations = Readonly<Record<string, StateDeclaration & { readonly scope?: StateScope }>>

/** Those that the program declares. */
export function declaredStates(descriptor: OperatorDescriptor): readonly StateType[] {
  if (descriptor.kind === 'process' || descriptor.kind === 'coProcess') {
    const { state, operatorState } = descriptor.fn as { state?: Declarations; operatorState?: Declarations }
    return [...typesOf(state, ''), ...typesOf(operatorState, '')]
  }
  if (descriptor.kind !== 'window') return []
  const { process } = descriptor.apply as { process?: { windowState?: Declarations; globalState?: Declarations } }
  return [...typesOf(process?.windowState, 'windowState.'), ...typesOf(process?.globalState, 'globalState.')]
}

function typesOf(declarations: Declarations | undefined, prefix: string): StateType[] {
  return Object.entries(declarations ?? {}).map(([name, declaration]) => {
    const { form, declared } = shapeOf(declaration, `state ${name}`, 'own')
    return { name: prefix + name, scope: declaration.scope ?? 'keyed', form, ...(declared !== undefined && { declared }) }
  })
}

const enginesOwn: Readonly<Partial<Record<OperatorDescriptor['kind'], readonly string[]>>> = {
  source: ['_splits', '_enumerator'],
  sink: ['_writer', '_committables'],
  process: ['_timers'],
  coProcess: ['_timers'],
  reduce: [runningState],
  rolling: [runningState],
  window: ['_timers', windowsTable, panesTable, oddWindowsTable, elementsTable, emptySessionsTable],
}

/** Whether a state that the program does not declare is one that the engine takes back for an operator of this kind. */
export const isEnginesOwn = (kind: OperatorDescriptor['kind'], state: string): boolean =>
  enginesOwn[kind]?.includes(state) === true || (kind === 'window' && state.startsWith('trigger.'))

/** How a window operator keeps what its windows hold. */
export interface WindowContents {
  readonly kept: 'elements' | 'accumulators'
  /** Of accumulators in `_windows` and `_panes`; undefined: one column `value`, of the `declared` type if it has one. */
  readonly columns?: readonly string[]
  readonly declared?: StateType['declared']
}

export function windowContents({ apply, evictor }: WindowDescriptor): WindowContents {
  if (evictor !== undefined || apply.kind === 'process') return { kept: 'elements' }
  const columns = accumulatorColumns(apply)?.names
  return columns === undefined ? { kept: 'accumulators', declared: declaredAccumulator(apply) } : { kept: 'accumulators', columns }
}

/** What a state holds of windows; undefined: something else. */
export function contentsOfTable(state: string): WindowContents['kept'] | undefined {
  if (state === elementsTable) return 'elements'
  return state === windowsTable || state === panesTable || state === oddWindowsTable ? 'accumulators' : undefined
}

/** Its accumulators are what they are, whatever is declared. */
export const isOddWindows = (state: string): boolean => state === oddWindowsTable
