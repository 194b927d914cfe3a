/**
 * The part of a JobClient that a played executor has no use for.
 */
import type { JobClient } from '../../src/program/api/executor.ts'

const refuse = (): Promise<never> => Promise.reject(new Error('a played job takes no snapshots'))

export const withoutSnapshots = {
  numRestarts: 0,
  checkpoints: [],
  exceptions: [],
  triggerCheckpoint: refuse,
  triggerSavepoint: refuse,
  stopWithSavepoint: refuse,
  onEvent: () => undefined,
} satisfies Partial<JobClient>
