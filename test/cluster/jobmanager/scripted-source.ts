/**
 * A source whose splits are scripts for ScriptedSlot, handed out on request, each to the subtask it is meant for.
 */
import type { Source } from '../../../src/program/function/source.ts'
import type { Step } from './scripted-slot.ts'

export function scriptedSource(
  scripts: readonly (readonly Step[])[],
  onEvent?: (subtask: number, event: unknown) => void,
): Source<unknown, unknown, unknown> {
  return {
    name: 'scripts',
    boundedness: 'bounded',
    createEnumerator(ctx) {
      const given = new Set<number>()
      return {
        start: () => undefined,
        addReader: () => undefined,
        handleSplitRequest(subtask) {
          const script = scripts[subtask]
          if (script === undefined || given.has(subtask)) return ctx.signalNoMoreSplits(subtask)
          given.add(subtask)
          ctx.assignSplits(subtask, [script])
        },
        handleReaderEvent: (subtask, event) => onEvent?.(subtask, event),
        snapshotState: () => undefined,
        close: () => undefined,
      }
    },
    createReader() {
      throw new Error('scripts are read by ScriptedSlot')
    },
  }
}
