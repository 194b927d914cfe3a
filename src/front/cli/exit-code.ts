/**
 * What the `headrace` command says to the shell.
 */
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
} as const

export type ExitCode = (typeof exitCode)[keyof typeof exitCode]
