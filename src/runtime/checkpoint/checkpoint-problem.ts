/**
 * What can be wrong with a checkpoint's files, as StreamErrors that say what to do.
 */
import { StreamError } from '../../base/core/stream-error.ts'

const elsewhere = 'Restore from another checkpoint or savepoint; this one cannot be trusted.'

export function corrupt(path: string, what: string, cause?: unknown): StreamError {
  return new StreamError('STATE_INCOMPATIBLE', `cannot read ${path}: it is corrupt (${what})`, {
    hint: elsewhere,
    place: { file: path },
    cause,
  })
}

export function foreign(path: string, what: string, hint: string): StreamError {
  return new StreamError('STATE_INCOMPATIBLE', `cannot read ${path}: ${what}`, { hint, place: { file: path } })
}
