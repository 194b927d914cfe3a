/**
 * Whether a job can be started from a snapshot, operator by operator. Pure: the plan and the snapshot's metadata go in. The same
 * answer decides at deploy (restore-job.ts) and is shown by `headrace check`.
 */
import { StreamError } from '../../base/core/stream-error.ts'
import { declaredKeys } from '../../program/graph/declared-keys.ts'
import type { JobGraph, PlanOperator } from '../../program/graph/job-graph.ts'
import type { OperatorDescriptor } from '../../program/graph/operator-descriptor.ts'
import type { StreamGraph } from '../../program/graph/stream-graph.ts'
import type { CheckpointMetadata, OperatorMetadata, StateTable } from '../../runtime/checkpoint/checkpoint-metadata.ts'
import { statesOf } from '../../runtime/checkpoint/inspect-state.ts'
import {
  contentsOfTable,
  declaredStates,
  isEnginesOwn,
  isOddWindows,
  type WindowContents,
  windowContents,
} from '../../runtime/operator/planned-states.ts'
import { checkState, type StateType, stateTypeText } from '../../runtime/state/check-state-types.ts'
import { type KeyColumn, keyMisfit, keysOf } from '../../runtime/state/key-types.ts'

/** dropped: the operator has no such state any more, and what the snapshot holds of it is left behind. */
export type StateFit =
  | { readonly name: string; readonly is: 'as is' }
  | { readonly name: string; readonly is: 'evolved'; readonly found: string; readonly wanted: string }
  | { readonly name: string; readonly is: 'new' | 'dropped' }
  | { readonly name: string; readonly is: 'incompatible'; readonly error: StreamError }

export interface OperatorFit {
  readonly name: string
  readonly operatorId: string
  readonly uid?: string
  /** new: the snapshot has nothing of it; left over: the program does not have it. */
  readonly is: 'as is' | 'evolved' | 'new' | 'left over' | 'incompatible'
  readonly states: readonly StateFit[]
}

export interface Plan {
  readonly jobGraph: JobGraph
  readonly streamGraph: StreamGraph
}

/** Columns of a window operator's state; undefined: not known, and not compared. */
export type ColumnsOf = (operatorId: string, state: string) => readonly string[] | undefined

/** Operators of the plan in its order, then those of the snapshot that are left over with state. */
export function compareSnapshot(metadata: CheckpointMetadata, { jobGraph, streamGraph }: Plan, columnsOf: ColumnsOf): OperatorFit[] {
  const planned = jobGraph.vertices.flatMap(({ operators }) => operators)
  const fits = planned.map((operator): OperatorFit => {
    const found = metadata.operators.find(({ operatorId }) => operatorId === operator.operatorId)
    const node = streamGraph.nodes.find(({ id }) => id === operator.nodeId)!
    const fit = fitOf(operator, node.operator, found, columnsOf)
    return found === undefined ? fit : withKeys(fit, found, () => declaredKeys(node, streamGraph))
  })
  const left = metadata.operators.filter((found) => !planned.some(({ operatorId }) => operatorId === found.operatorId) && holdsState(found))
  return [...fits, ...left.map(leftOver)]
}

const holdsState = ({ subtasks, enumerator }: OperatorMetadata): boolean =>
  enumerator !== undefined || subtasks.some(({ states }) => states.some(({ files }) => files.length > 0))

function leftOver(operator: OperatorMetadata): OperatorFit {
  const { name, operatorId, uid } = operator
  const states = [...statesOf(operator).keys()].map((state) => ({ name: state, is: 'dropped' }) as const)
  return { name, operatorId, ...(uid !== undefined && { uid }), is: 'left over', states }
}

function fitOf(
  { name, operatorId, uid }: PlanOperator,
  descriptor: OperatorDescriptor,
  found: OperatorMetadata | undefined,
  columnsOf: ColumnsOf,
): OperatorFit {
  const who = { name, operatorId, ...(uid !== undefined && { uid }) }
  const declared = declaredStates(descriptor)
  if (found === undefined) return { ...who, is: 'new', states: declared.map((state) => ({ name: state.name, is: 'new' })) }
  const tables = [...statesOf(found)].map(([, written]) => written.find(({ files }) => files.length > 0) ?? written[0]!)
  const taken = tables.map((table) => stateFit(name, descriptor, declared, table, columnsOf(operatorId, table.name)))
  const added = declared.filter((state) => !tables.some((table) => table.name === state.name))
  const states = [...taken, ...added.map((state) => ({ name: state.name, is: 'new' }) as const)]
  const is = states.some((state) => state.is === 'incompatible')
    ? 'incompatible'
    : states.every((state) => state.is === 'as is')
      ? 'as is'
      : 'evolved'
  return { ...who, is, states }
}

/** The state whose keys the program's can never equal is incompatible, with all that the operator holds. */
function withKeys(fit: OperatorFit, found: OperatorMetadata, wanted: () => readonly KeyColumn[]): OperatorFit {
  const keys = keysOf(found.subtasks.flatMap(({ states }) => states))
  const error =
    keys &&
    wanted()
      .map((key) => keyMisfit(fit.name, keys, key))
      .find((misfit) => misfit !== undefined)
  if (error === undefined) return fit
  const states = fit.states.map((state): StateFit => (state.name === keys?.state ? { name: state.name, is: 'incompatible', error } : state))
  return { ...fit, is: 'incompatible', states }
}

function stateFit(
  operator: string,
  descriptor: OperatorDescriptor,
  declared: readonly StateType[],
  found: StateTable,
  columns: readonly string[] | undefined,
): StateFit {
  const { name } = found
  const own = declared.find((state) => state.name === name)
  if (own === undefined && !isEnginesOwn(descriptor.kind, name)) return { name, is: 'dropped' }
  if (own !== undefined) return compared(operator, found, own)
  const kept = contentsOfTable(name)
  if (descriptor.kind !== 'window' || kept === undefined) return { name, is: 'as is' }
  const wanted = windowContents(descriptor)
  if (found.files.length > 0 && (kept !== wanted.kept || !hasColumns(columns, wanted)))
    return { name, is: 'incompatible', error: otherContents(operator, kept, columns, wanted) }
  if (kept === 'elements' || isOddWindows(name)) return { name, is: 'as is' }
  return compared(operator, found, { name, scope: 'keyed', form: found.form, declared: wanted.declared })
}

function compared(operator: string, found: StateTable, wanted: StateType): StateFit {
  const { name } = found
  const check = checkState(operator, found, wanted)
  if (check.is === 'incompatible') return { name, ...check }
  return check.is === 'as is' ? { name, is: 'as is' } : { name, is: 'evolved', found: stateTypeText(found), wanted: stateTypeText(wanted) }
}

const hasColumns = (columns: readonly string[] | undefined, { kept, columns: wanted = ['value'] }: WindowContents): boolean =>
  columns === undefined || kept === 'elements' || wanted.every((name) => columns.includes(name))

function otherContents(
  operator: string,
  kept: WindowContents['kept'],
  columns: readonly string[] | undefined,
  wanted: WindowContents,
): StreamError {
  const bounds = ['keyGroup', 'key', 'windowStart', 'windowEnd', 'paneStart', 'paneEnd']
  const held = kept === 'elements' ? 'elements' : (columns?.filter((name) => !bounds.includes(name)).join(', ') ?? 'accumulators')
  const keeps = wanted.kept === 'elements' ? 'elements' : (wanted.columns ?? ['one value']).join(', ')
  return new StreamError(
    'STATE_INCOMPATIBLE',
    `Window operator ${operator} keeps ${keeps} for each window, and the snapshot holds ${held}`,
    {
      hint: 'Aggregates, accumulators and functions of a window have to keep what they kept; under another uid the changed operator starts empty.',
      place: { operator },
    },
  )
}
