import { StreamError } from '../../../src/base/core/stream-error.ts'

/** The StreamError that a call throws; anything else fails the test. */
export function thrownBy(call: () => unknown): StreamError {
  try {
    call()
  } catch (error) {
    if (error instanceof StreamError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}
