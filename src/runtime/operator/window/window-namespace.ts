/**
 * Windows as namespaces of keyed state and timers: a number where the start says it all, else text. Both ways, since a
 * timer knows its namespace only.
 */
import type { TimeWindow, WindowAssigner } from '../../../program/function/window.ts'
import { globalWindow } from './window-assigner.ts'

export type WindowNamespace = string | number

export interface WindowNamespaces {
  of(window: TimeWindow): WindowNamespace
  windowOf(namespace: WindowNamespace): TimeWindow
}

export function createNamespaces(assigner: WindowAssigner<any>): WindowNamespaces {
  switch (assigner.kind) {
    case 'tumbling':
    case 'sliding':
      return fixedSize(assigner.sizeMs)
    case 'session':
      return anySize
    case 'global':
      return { of: () => 0, windowOf: () => globalWindow }
  }
}

function fixedSize(sizeMs: number): WindowNamespaces {
  // All keys of a window fire in a row: one object serves them.
  let last: TimeWindow = { start: 0, end: sizeMs }
  return {
    of: (window) => window.start,
    windowOf(namespace) {
      const start = namespace as number
      if (start !== last.start) last = { start, end: start + sizeMs }
      return last
    },
  }
}

const anySize: WindowNamespaces = {
  of: ({ start, end }) => `${start},${end}`,
  windowOf(namespace) {
    const [start, end] = (namespace as string).split(',')
    return { start: Number(start), end: Number(end) }
  },
}
