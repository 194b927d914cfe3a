/**
 * Runs a TaskManager's slots in the caller's own thread, for tests and for the simulation of a whole cluster.
 */
import type { StreamGraph } from '../../program/graph/stream-graph.ts'
import type { ProgramPackage } from '../rpc/program-package.ts'
import { type InlineSlotsOptions, inlineSlots } from './inline-slots.ts'
import type { SlotRunner } from './slot-runner.ts'

export interface InlineSlotRunnerOptions extends InlineSlotsOptions {
  /** The plan of the job that the package is of, with its functions. */
  readonly planOf: (program: ProgramPackage) => Promise<StreamGraph>
}

export function inlineSlotRunner(options: InlineSlotRunnerOptions): SlotRunner {
  return {
    async prepare(program) {
      const { run } = inlineSlots(options, await options.planOf(program))
      return { run, close: async () => undefined }
    },
  }
}
