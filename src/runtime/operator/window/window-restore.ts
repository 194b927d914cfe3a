/**
 * The way of a snapshot's contents back into windows, whichever form wrote them: windows as they are; a pane's accumulator
 * goes into every window that it is part of. Each window gets an accumulator of its own.
 */
import { StreamError } from '../../../base/core/stream-error.ts'
import type { TimeWindow, WindowAssigner } from '../../../program/function/window.ts'
import type { WindowDescriptor } from '../../../program/graph/operator-descriptor.ts'
import { mustTakeOver } from '../../state/check-state-types.ts'
import { restoredRows } from '../../state/restored-rows.ts'
import type { RestoredTable } from '../../state/snapshot.ts'
import { accumulatorColumns, declaredAccumulator, elementsTable, oddWindowsTable, panesTable, windowsTable } from './accumulator-columns.ts'
import { windowStart } from './window-assigner.ts'
import { emptySessionsTable } from './window-snapshot.ts'

export type RestoredContents =
  | { readonly kind: 'accumulator'; readonly accumulator: unknown }
  | { readonly kind: 'element'; readonly row: unknown; readonly timestamp: number }
  | { readonly kind: 'nothing' }

export type TakeWindow = (key: unknown, window: TimeWindow, contents: RestoredContents) => void

const windowsTables: ReadonlySet<string> = new Set([windowsTable, oddWindowsTable, panesTable, elementsTable, emptySessionsTable])

export const isWindowsTable = ({ name }: RestoredTable): boolean => windowsTables.has(name)

export async function restoreWindows(
  operator: string,
  table: RestoredTable,
  descriptor: WindowDescriptor,
  take: TakeWindow,
): Promise<void> {
  const { apply, assigner, evictor } = descriptor
  const keepsElements = evictor !== undefined || apply.kind === 'process'
  if (table.name !== emptySessionsTable && keepsElements !== (table.name === elementsTable)) throw otherContents(operator, keepsElements)
  const ofPanes = table.name === panesTable
  const bounds = ofPanes ? ['paneStart', 'paneEnd'] : ['windowStart', 'windowEnd']
  const { columns, contentsOf, declared } = reading(table, descriptor)
  mustTakeOver(operator, table, { name: table.name, scope: 'keyed', form: table.form, ...(declared !== undefined && { declared }) })
  for await (const { keys, rows } of restoredRows(table, [...bounds, ...columns], declared, operator)) {
    for (const [i, key] of keys.entries()) {
      const [from, to, ...values] = rows[i]!
      const stretch = { start: from as number, end: to as number }
      if (!ofPanes) checkSize(operator, assigner, stretch)
      const windows = ofPanes ? windowsAround(operator, assigner, stretch) : [stretch]
      for (const window of windows) take(key, window, contentsOf(values))
    }
  }
}

/** A table's columns, and what a window holds by their values: a fresh object at each call. */
function reading(
  { name }: RestoredTable,
  { apply, evictor }: WindowDescriptor,
): {
  readonly columns: readonly string[]
  readonly declared?: RestoredTable['declared']
  contentsOf(values: readonly unknown[]): RestoredContents
} {
  if (name === emptySessionsTable) return { columns: [], contentsOf: () => ({ kind: 'nothing' }) }
  if (name === elementsTable) {
    const columns = evictor === undefined ? ['value'] : ['value', 'timestamp']
    return {
      columns,
      contentsOf: ([row, timestamp]) => ({ kind: 'element', row, timestamp: (timestamp as number | undefined) ?? Number.NaN }),
    }
  }
  const numbers = name === oddWindowsTable ? undefined : accumulatorColumns(apply)
  if (numbers === undefined) {
    const declared = name === oddWindowsTable ? undefined : declaredAccumulator(apply)
    return { columns: ['value'], ...(declared && { declared }), contentsOf: ([accumulator]) => ({ kind: 'accumulator', accumulator }) }
  }
  return {
    columns: numbers.names,
    contentsOf: (values) => ({ kind: 'accumulator', accumulator: numbers.accumulatorOf(values as readonly number[]) }),
  }
}

/** Earliest first. */
function windowsAround(operator: string, assigner: WindowAssigner<any>, pane: TimeWindow): TimeWindow[] {
  if (assigner.kind !== 'sliding') throw otherAssigner(operator, pane)
  const { sizeMs, slideMs, offsetMs } = assigner
  const windows: TimeWindow[] = []
  for (let start = windowStart(pane.start, offsetMs, slideMs); start + sizeMs >= pane.end; start -= slideMs)
    windows.unshift({ start, end: start + sizeMs })
  return windows
}

/** A window of another size has other timers than those that this operator knows. */
function checkSize(operator: string, assigner: WindowAssigner<any>, window: TimeWindow): void {
  if (assigner.kind === 'session' || assigner.kind === 'global') return
  const everyMs = assigner.kind === 'sliding' ? assigner.slideMs : assigner.sizeMs
  const fits = window.end - window.start === assigner.sizeMs && windowStart(window.start, assigner.offsetMs, everyMs) === window.start
  if (!fits) throw otherAssigner(operator, window)
}

export function otherAssigner(operator: string, { start, end }: TimeWindow): StreamError {
  return new StreamError(
    'STATE_INCOMPATIBLE',
    `Window operator ${operator}: the snapshot holds [${start}, ${end}), which its window assigner does not make`,
    {
      hint: 'Size, slide and offset of a window have to be those that the snapshot was made with; under another uid the changed operator starts empty.',
      place: { operator },
    },
  )
}

function otherContents(operator: string, keepsElements: boolean): StreamError {
  const [held, kept] = keepsElements ? ['accumulators', 'elements'] : ['elements', 'accumulators']
  return new StreamError(
    'STATE_INCOMPATIBLE',
    `Window operator ${operator}: the snapshot holds ${held} of windows, and the operator keeps ${kept}`,
    {
      hint: 'A process function and an evictor keep elements, aggregates do not; under another uid the changed operator starts empty.',
      place: { operator },
    },
  )
}
