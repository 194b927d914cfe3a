/** The workloads by name. */
import { keyedSum } from './keyed-sum.ts'
import { mapChain } from './map-chain.ts'
import { processState } from './process-state.ts'
import { rebalance } from './rebalance.ts'
import { windowSession, windowSliding, windowTumbling } from './window.ts'
import { windowStrings } from './window-strings.ts'
import { wordCount } from './word-count.ts'
import type { Workload } from './workload.ts'

export const workloads: Readonly<Record<string, Workload>> = Object.fromEntries(
  [mapChain, rebalance, keyedSum, windowTumbling, windowSliding, windowSession, windowStrings, wordCount, processState].map((workload) => [
    workload.name,
    workload,
  ]),
)
