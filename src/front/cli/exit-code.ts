/**
 * What the `headrace` command says to the shell.
 */
import { StreamError } from '../../base/core/stream-error.ts'
import { UsageError } from './parse-options.ts'

export const exitCode = {
  ok: 0,
  /** The program or its job failed. */
  failed: 1,
  /** The command, its options or the configuration are wrong, or there is no such program: nothing was started. */
  usage: 2,
  /** ctrl-C. */
  interrupted: 130,
  /** SIGTERM. */
  terminated: 143,
  /** Nobody reads standard output any more, which ends other commands by SIGPIPE. */
  readerGone: 141,
} as const

export type ExitCode = (typeof exitCode)[keyof typeof exitCode]

/** A file that an operator misses is its job's failure; a program that is not there, or a bad option, is the command's. */
export function exitCodeOf(thrown: unknown): ExitCode {
  if (thrown instanceof UsageError) return exitCode.usage
  const usage =
    thrown instanceof StreamError &&
    (thrown.code === 'INVALID_CONFIG' || thrown.place.option === 'program') &&
    thrown.place.operator === undefined
  return usage ? exitCode.usage : exitCode.failed
}
