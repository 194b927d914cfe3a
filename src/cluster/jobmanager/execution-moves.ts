/**
 * The states of jobs and of executions (attempts of subtasks) with every legal move between them, as in Flink. Pure.
 */
import type { ExecutionState, JobState } from '../rpc/job-archive.ts'

/** What has no move is final, but for SUSPENDED: there another leader takes over. */
export const jobMoves: Readonly<Record<JobState, readonly JobState[]>> = {
  INITIALIZING: ['CREATED', 'FAILED', 'CANCELLING', 'SUSPENDED'],
  CREATED: ['RUNNING', 'FAILING', 'CANCELLING', 'SUSPENDED'],
  RUNNING: ['FINISHED', 'RESTARTING', 'FAILING', 'CANCELLING', 'SUSPENDED'],
  RESTARTING: ['RUNNING', 'FAILING', 'CANCELLING', 'SUSPENDED'],
  FAILING: ['FAILED', 'SUSPENDED'],
  CANCELLING: ['CANCELED', 'SUSPENDED'],
  RECONCILING: ['RUNNING', 'FAILING', 'CANCELLING', 'SUSPENDED'],
  SUSPENDED: [],
  FAILED: [],
  CANCELED: [],
  FINISHED: [],
}

export const executionMoves: Readonly<Record<ExecutionState, readonly ExecutionState[]>> = {
  CREATED: ['SCHEDULED', 'CANCELED', 'FAILED'],
  SCHEDULED: ['DEPLOYING', 'CANCELED', 'FAILED'],
  DEPLOYING: ['INITIALIZING', 'CANCELING', 'FAILED'],
  INITIALIZING: ['RUNNING', 'CANCELING', 'FAILED'],
  RUNNING: ['FINISHED', 'CANCELING', 'FAILED'],
  CANCELING: ['CANCELED', 'FAILED'],
  FINISHED: [],
  CANCELED: [],
  FAILED: [],
}

export const isFinal = (state: ExecutionState): boolean => executionMoves[state].length === 0

/** The way of a task that goes well, so that one which says where it is has been everywhere before. */
export const executionWay: readonly ExecutionState[] = ['CREATED', 'SCHEDULED', 'DEPLOYING', 'INITIALIZING', 'RUNNING', 'FINISHED']
