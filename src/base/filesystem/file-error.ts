/**
 * Failures of files as StreamErrors. Each names what was tried and the path, and says what to do.
 */
import { StreamError } from '../core/stream-error.ts'

/** What is tried with a file that an earlier attempt left in progress. */
const resuming = 'go on with'

interface SystemError {
  readonly code?: unknown
  readonly message?: unknown
}

/** Turns what the operating system said about `path` into a StreamError; one that already is passes through. */
export function fileError(thrown: unknown, action: string, path: string): StreamError {
  if (thrown instanceof StreamError) return thrown
  const { code, message } = (typeof thrown === 'object' && thrown !== null ? thrown : {}) as SystemError
  const place = { file: path }
  if (code === 'ENOENT') return fileNotFound(action, path, thrown)
  if (code === 'ENOSPC' || code === 'EDQUOT') return noSpace(action, path, thrown)
  return new StreamError('IO_FAILED', `cannot ${action} ${path}: ${typeof message === 'string' ? message : String(thrown)}`, {
    hint: hintFor(code),
    place,
    cause: thrown,
  })
}

export function fileNotFound(action: string, path: string, cause?: unknown): StreamError {
  return new StreamError('FILE_NOT_FOUND', `cannot ${action} ${path}: there is no such file or folder`, {
    hint: notFoundHint(action, path),
    place: { file: path },
    cause,
  })
}

function notFoundHint(action: string, path: string): string {
  if (action === resuming)
    return 'A snapshot has it as a file in progress, and it was removed, or finished by a job that went on from there: go on from a newer snapshot, or start without one.'
  if (/[*?]/.test(path))
    return 'Patterns are not expanded: name the folder, which is read whole (in/), or pass the files one by one (paths: [...]).'
  return 'Check the spelling; a relative path is taken from the folder in which the program was started.'
}

export function noSpace(action: string, path: string, cause?: unknown): StreamError {
  return new StreamError('NO_SPACE', `cannot ${action} ${path}: the disk is full or the quota is used up`, {
    hint: 'Free some space there or choose a path on another disk, then run the job again.',
    place: { file: path },
    cause,
  })
}

/** A file that was to be gone on with has lost what was durable. */
export function tooShort(path: string, sizeBytes: number, expectedBytes: number): StreamError {
  return new StreamError('IO_FAILED', `cannot go on with ${path}: it has ${sizeBytes} bytes, and ${expectedBytes} were written`, {
    hint: 'Something else cut it short or replaced it: go on from an earlier checkpoint, or start the job without one.',
    place: { file: path },
    retry: 'never',
  })
}

function hintFor(code: unknown): string {
  switch (code) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return 'Check the permissions of the file and of the folders above it for the user that runs headrace.'
    case 'EISDIR':
    case 'ENOTDIR':
      return 'A folder stands where a file is expected, or a file where a folder is expected: check the path.'
    case 'EEXIST':
      return 'It exists already: remove it or choose another path.'
    case 'EMFILE':
    case 'ENFILE':
      return 'Too many files are open: raise the limit (ulimit -n).'
    case 'EXDEV':
      return 'The two paths lie on different disks: choose both on one.'
    default:
      return 'See the message of the operating system above; if it may pass, run the job again.'
  }
}
