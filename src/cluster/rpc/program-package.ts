/**
 * A program as it travels: one content-addressed bundle, and what its main was called with where it was planned, so that every
 * thread that runs it plans the same jobs. Plain data.
 */
import type { Config } from '../../base/core/config-options.ts'
import type { PlanSeed } from '../../base/core/deterministic-globals.ts'
import type { RecordedExecution } from '../../program/api/executor.ts'

/** Reads a package by its id: the bundle's bytes. Rejects with FILE_NOT_FOUND when there is none. */
export type ReadPackage = (id: string) => Promise<Uint8Array>

export interface ProgramPackage {
  /** SHA-256 of the bundle, 64 hex digits: a TaskManager that has it already fetches nothing. */
  readonly id: string
  readonly sizeBytes: number
  /** The user's name for it, in messages. */
  readonly file: string
  readonly args: unknown
  readonly seed: PlanSeed
  readonly config?: Config
  /** The jobs that the program has executed before this one. */
  readonly earlier: readonly RecordedExecution[]
}
