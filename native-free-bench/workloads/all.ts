/** The workloads by name: those of the table, and state32, which is measured with checkpoints. */
import { keyedSum } from './keyed-sum.ts'
import { mapChain } from './map-chain.ts'
import { processState } from './process-state.ts'
import { rebalance } from './rebalance.ts'
import { state32 } from './state32.ts'
import { windowSession, windowSliding, windowTumbling } from './window.ts'
import { windowStrings } from './window-strings.ts'
import { wordCount } from './word-count.ts'
import type { Workload } from './workload.ts'

export const workloads: Readonly<Record<string, Workload>> = Object.fromEntries(
  [mapChain, rebalance, keyedSum, windowTumbling, windowSliding, windowSession, windowStrings, wordCount, processState, state32].map(
    (workload) => [workload.name, workload],
  ),
)
