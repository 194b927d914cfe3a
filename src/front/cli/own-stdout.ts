/**
 * The standard output for the command alone, where a machine reads it: what the program writes there, in main or in its
 * functions on whatever thread, goes to the standard error instead. For the rest of the process.
 */
import type { TerminalStream } from './progress-line.ts'

export function ownStdout(): TerminalStream {
  const { stdout, stderr } = process
  const write = stdout.write.bind(stdout)
  // True whatever stderr says: who pipes into stdout would wait for stdout to drain, which it does not have to.
  stdout.write = ((...args: Parameters<typeof stderr.write>): boolean => {
    stderr.write(...args)
    return true
  }) as typeof stdout.write
  return { write: (text) => write(text) }
}
