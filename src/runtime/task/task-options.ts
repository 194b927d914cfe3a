/** What a task is made of, and the words for what it is doing. */
import type { Clock } from '../../base/core/clock.ts'
import type { Chain } from '../chain/chain.ts'
import type { FirstKeys } from './first-keys.ts'
import type { OutgoingEdges } from './outgoing-edges.ts'
import type { TaskCheckpoints } from './task-checkpoints.ts'
import type { TaskInput } from './task-input.ts'

/** progressed: call again; idle: no input; blocked: no credit; awaiting: a promise; ended: never again. */
export type StepResult = 'progressed' | 'idle' | 'blocked' | 'awaiting' | 'ended'

export type TaskPhase = 'running' | 'ending' | 'waiting' | 'suspended' | 'draining' | 'finished' | 'failed' | 'canceled'

export interface TaskOptions {
  readonly vertex: number
  readonly subtask: number
  readonly input: TaskInput
  readonly chain: Chain
  readonly edges: OutgoingEdges
  readonly checkpoints: TaskCheckpoints
  /** Waits at its end for a checkpoint that commits what it wrote last. */
  readonly waitsAtEnd: boolean
  /** It had finished in the snapshot that the job goes on from: its outputs end at once. */
  readonly isRestoredFinished: boolean
  readonly clock: Clock
  readonly wake: () => void
  readonly onPhase: (phase: TaskPhase) => void
  readonly onFailure: (thrown: unknown) => void
  /** 0: never. */
  readonly watermarkIntervalMs: number
  readonly counters: Record<string, number>
  readonly late: readonly { value: number }[]
  /** StreamNode ids of the chain's operators. */
  readonly nodeIds: readonly number[]
  /** Where keyed state was taken over from another run. */
  readonly firstKeys?: FirstKeys
}
