/**
 * Waits for a program's main, unless nothing runs any more that it could be waiting for: Node would end the process without a word then,
 * as if all had gone well.
 */
import { StreamError } from '../../base/core/stream-error.ts'

/** As much of `process` as is needed. */
export interface EndingProcess {
  once(event: 'beforeExit', listener: () => void): unknown
  off(event: 'beforeExit', listener: () => void): unknown
}

/** `cause` answers why main's wait is in vain, where that is known: the error of a job that has failed. */
export async function unlessStuck<R>(
  work: Promise<R>,
  { process, cause }: { readonly process: EndingProcess; readonly cause: () => unknown },
): Promise<R> {
  let stuck = (): void => undefined
  const inVain = new Promise<never>((_, reject) => {
    stuck = () => reject(cause() ?? waitsInVain())
  })
  process.once('beforeExit', stuck)
  try {
    return await Promise.race([work, inVain])
  } finally {
    process.off('beforeExit', stuck)
  }
}

const waitsInVain = (): StreamError =>
  new StreamError('INVALID_PROGRAM', 'main waits for something that will never come: nothing runs any more', {
    hint: 'Look for a promise that is never resolved, such as one that a listener of a job should have resolved.',
  })
