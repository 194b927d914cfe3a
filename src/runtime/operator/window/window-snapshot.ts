/**
 * What a window operator holds as tables of a snapshot, in the forms that kernels share: its contents, window by window.
 * A session's contents are shown under the session's own window, wherever they lie.
 */
import type { WindowDescriptor } from '../../../program/graph/operator-descriptor.ts'
import type { EntryTable, HeldByKey, NamespaceColumns } from '../../state/heap-snapshots.ts'
import {
  type AccumulatorColumns,
  accumulatorColumns,
  anything,
  declaredAccumulator,
  elementsTable,
  oddWindowsTable,
  windowsTable,
} from './accumulator-columns.ts'
import type { TimedElement } from './evictor.ts'
import type { Session } from './merging-window-set.ts'
import type { WindowNamespaces } from './window-namespace.ts'

/** Sessions that live and hold nothing, since they were purged. */
export const emptySessionsTable = '_emptySessions'
export const sessionsState = 'window.sessions'
/** Under this name contents lie in the keyed state. */
export const contentsState = 'window.contents'
export const timersTable = '_timers'

const bounds = ['windowStart', 'windowEnd'] as const

type Row = readonly unknown[]

/** A window as columns, for the states of triggers and functions. */
export function namespaceColumns(namespaces: WindowNamespaces): NamespaceColumns {
  return {
    names: bounds,
    toColumns(namespace) {
      const { start, end } = namespaces.windowOf(namespace!)
      return [start, end]
    },
    fromColumns: ([start, end]) => namespaces.of({ start: start as number, end: end as number }),
  }
}

/** How the contents of one window stand in rows: what is behind its bounds. */
interface ContentsRows {
  readonly table: Omit<EntryTable, 'rowsOf'>
  rowsOf(contents: unknown): readonly Row[]
}

export function windowTables(descriptor: WindowDescriptor, namespaces: WindowNamespaces): readonly EntryTable[] {
  const merging = descriptor.assigner.kind === 'session'
  const windowsOf = merging ? sessionContents(namespaces) : contentsByNamespace(namespaces)
  const tables = contentsRows(descriptor).map(({ table, rowsOf }): EntryTable => {
    return {
      ...table,
      rowsOf: (held) =>
        windowsOf(held).flatMap(([start, end, contents]) =>
          contents === undefined ? [] : rowsOf(contents).map((row) => [start, end, ...row]),
        ),
    }
  })
  // With the default trigger and no evictor a session that lives holds something.
  if (!merging || (descriptor.trigger === undefined && descriptor.evictor === undefined)) return tables
  const empty: EntryTable = {
    ...{ name: emptySessionsTable, form: 'windows', columns: bounds },
    rowsOf: (held) => windowsOf(held).flatMap(([start, end, contents]) => (contents === undefined ? [[start, end]] : [])),
  }
  return [...tables, empty]
}

type HeldWindows = (held: HeldByKey) => readonly (readonly [start: number, end: number, contents: unknown])[]

const contentsByNamespace =
  (namespaces: WindowNamespaces): HeldWindows =>
  (held) =>
    Array.from(held.namespaces, (namespace) => {
      const { start, end } = namespaces.windowOf(namespace)
      return [start, end, held.in(contentsState, namespace)] as const
    })

const sessionContents =
  (namespaces: WindowNamespaces): HeldWindows =>
  (held) =>
    ((held.own(sessionsState) as readonly Session[] | undefined) ?? []).map(({ window, stateWindow }) => {
      return [window.start, window.end, held.in(contentsState, namespaces.of(stateWindow))] as const
    })

/** Accumulators lie in a box of one, elements in an array. */
function contentsRows({ apply, evictor }: WindowDescriptor): readonly ContentsRows[] {
  if (evictor !== undefined) {
    const table = { name: elementsTable, form: 'list', columns: [...bounds, 'value', 'timestamp'] }
    return [{ table, rowsOf: (elements) => (elements as TimedElement[]).map(({ value, timestamp }) => [value, timestamp]) }]
  }
  if (apply.kind === 'process')
    return [
      {
        table: { name: elementsTable, form: 'list', columns: [...bounds, 'value'] },
        rowsOf: (rows) => (rows as unknown[]).map((row) => [row]),
      },
    ]
  const columns = accumulatorColumns(apply)
  const inValue = { form: 'windows', columns: [...bounds, 'value'] }
  const declared = declaredAccumulator(apply)
  if (columns === undefined)
    return [{ table: { name: windowsTable, ...inValue, ...(declared !== undefined && { declared }) }, rowsOf: (box) => [box as Row] }]
  const inColumns: ContentsRows = {
    table: { name: windowsTable, form: 'windows', columns: [...bounds, ...columns.names], declared: numberColumns(columns) },
    rowsOf(box) {
      const numbers = columns.numbersOf((box as Row)[0])
      return numbers === undefined ? [] : [numbers]
    },
  }
  if (apply.kind !== 'aggregate') return [inColumns]
  const odd = { name: oddWindowsTable, ...inValue, declared: { value: anything } }
  return [inColumns, { table: odd, rowsOf: (box) => (columns.numbersOf((box as Row)[0]) === undefined ? [box as Row] : []) }]
}

/** Kernels give arrays of numbers, which say their type themselves. */
function numberColumns({ names }: AccumulatorColumns): EntryTable['declared'] {
  return Object.fromEntries(names.map((name) => [name, { type: { kind: 'float64' }, nullable: false } as const]))
}
