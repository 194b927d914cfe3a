/**
 * The entry of a task thread that runs scripts (scripted-slot.ts) instead of programs. The plan is in the program's args.
 */
import { systemClock } from '../../../src/base/core/system-clock.ts'
import type { FileSystem } from '../../../src/base/filesystem/file-system.ts'
import { serveLease } from '../../../src/cluster/taskmanager/serve-lease.ts'
import type { SlotLease } from '../../../src/cluster/taskmanager/slot-lease.ts'
import type { JobGraph } from '../../../src/program/graph/job-graph.ts'
import { scriptedSlot } from '../jobmanager/scripted-slot.ts'

export interface ScriptedArgs {
  readonly jobGraph: JobGraph
  readonly failPlan?: string
}

export default async function thread(lease: SlotLease): Promise<void> {
  await serveLease(lease, {
    runSlot: scriptedSlot,
    clock: systemClock,
    fileSystem: {} as FileSystem,
    yieldTo: setImmediate,
    flushConsole: () => new Promise((resolve) => void process.stdout.write('', () => resolve())),
    plan: async ({ program }) => {
      const { jobGraph, failPlan } = program.args as ScriptedArgs
      if (failPlan !== undefined) throw new Error(failPlan)
      return { streamGraph: { jobName: '', config: {}, nodes: [] }, jobGraph }
    },
  })
  await new Promise(() => undefined)
}
