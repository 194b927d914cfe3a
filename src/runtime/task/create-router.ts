/** From how a user partitioned an edge to the router of one producing subtask. */

import { StreamError } from '../../base/core/stream-error.ts'
import type { Partitioning } from '../../program/graph/operator-descriptor.ts'
import {
  broadcastRouter,
  CustomRouter,
  globalRouter,
  HashRouter,
  type RowRouter,
  ShuffleRouter,
  SliceRouter,
  singleRouter,
} from '../exchange/row-router.ts'

export function createRouter(partitioning: Partitioning, targets: number, maxParallelism: number, subtask: number): RowRouter {
  if (partitioning.kind === 'broadcast') return broadcastRouter
  if (targets === 1 && partitioning.kind !== 'hash') return singleRouter
  switch (partitioning.kind) {
    case 'forward':
    case 'global':
      return globalRouter
    case 'rebalance':
    case 'rescale':
      // Producers begin at different consumers, so that few rows do not all go to the first.
      return new SliceRouter(subtask % targets)
    case 'shuffle':
      return new ShuffleRouter(targets, subtask + 1)
    case 'hash':
      return new HashRouter(partitioning.key, targets, maxParallelism)
    case 'custom':
      return new CustomRouter((row) => customTarget(partitioning.partition(partitioning.key(row), targets), targets))
  }
}

function customTarget(target: number, targets: number): number {
  if (Number.isInteger(target) && target >= 0 && target < targets) return target
  throw new StreamError('USER_FUNCTION_FAILED', `A custom partitioner returned ${target}, with ${targets} subtasks to choose from`, {
    hint: `Return a whole number from 0 to ${targets - 1}.`,
    retry: 'never',
  })
}
