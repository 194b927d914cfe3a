/** What is told of a task from outside of its steps, and the closing of what it was made of. */
import { maxWatermark } from '../operator/operator.ts'
import type { TaskMetrics } from './deployment.ts'
import { operatorCounts } from './operator-counts.ts'
import type { TaskDescription } from './slot.ts'
import type { Task } from './task.ts'
import type { TaskOptions } from './task-options.ts'

export function describeTask({ phase, options }: Task): TaskDescription {
  const { vertex, subtask, chain, input, checkpoints } = options
  return {
    vertex,
    subtask,
    phase,
    isFiring: chain.isAdvancing,
    isAligning: input.isAligning === true,
    isTakingSnapshot: checkpoints.isUnderWay,
    isWritingSnapshot: checkpoints.isWriting,
  }
}

export function taskMetrics({ options, recordsIn, time }: Task): TaskMetrics {
  const { vertex, subtask, counters, late, input, edges, chain, nodeIds } = options
  return {
    vertex,
    subtask,
    recordsIn,
    recordsOut: edges.edges.length > 0 ? edges.rowsOut : chain.runtime.nodes.length > 0 ? recordsIn : 0,
    watermark: Math.min(input.watermark, maxWatermark),
    lateRecordsDropped: late.reduce((sum, { value }) => sum + value, 0),
    ...time.millis,
    counters,
    operators: operatorCounts(chain.runtime.nodes, nodeIds, recordsIn),
  }
}

/** Closes every operator and the input, the last operator first; answers what failed in doing so. */
export async function closeTask({ checkpoints, chain, input }: TaskOptions): Promise<unknown[]> {
  const failures: unknown[] = []
  const closing = [
    () => checkpoints.answers,
    ...[...chain.runtime.nodes].reverse().map((node) => () => node.operator?.close?.()),
    () => input.close?.(),
  ]
  for (const close of closing) {
    try {
      await close()
    } catch (thrown) {
      failures.push(thrown)
    }
  }
  return failures
}
