/**
 * The one error class. Every failure that a user, another process or a caller sees is a StreamError with a closed
 * code, a domain (whose fault it is) and a retry advice; `toWire` and `fromWire` carry it over threads, gRPC and REST.
 * The first line of a message says what happened to which job, operator, file or option; `hint` says what to do.
 */

/** Whose fault it is: the program or its configuration, something outside (disk, network), or headrace itself. */
export type ErrorDomain = 'user' | 'external' | 'internal'

/** Whether trying again can help. */
export type RetryAdvice = 'never' | 'backoff'

/** The closed set of codes with the domain and retry advice each one has unless the thrower says otherwise. */
export const errorCodes = {
  INVALID_ARGUMENT: { domain: 'user', retry: 'never' },
  INVALID_CONFIG: { domain: 'user', retry: 'never' },
  INVALID_PROGRAM: { domain: 'user', retry: 'never' },
  PLAN_MISMATCH: { domain: 'user', retry: 'never' },
  USER_FUNCTION_FAILED: { domain: 'user', retry: 'backoff' },
  TYPE_MISMATCH: { domain: 'user', retry: 'never' },
  RECORD_TOO_LARGE: { domain: 'user', retry: 'never' },
  OUTPUT_OVERFLOW: { domain: 'user', retry: 'never' },
  MALFORMED_INPUT: { domain: 'user', retry: 'never' },
  FILE_NOT_FOUND: { domain: 'user', retry: 'never' },
  STATE_INCOMPATIBLE: { domain: 'user', retry: 'never' },
  OUT_OF_MEMORY: { domain: 'user', retry: 'backoff' },
  CHECKPOINT_DECLINED: { domain: 'external', retry: 'backoff' },
  CHECKPOINT_FAILED: { domain: 'external', retry: 'backoff' },
  CANCELLED: { domain: 'user', retry: 'never' },
  IO_FAILED: { domain: 'external', retry: 'backoff' },
  NO_SPACE: { domain: 'external', retry: 'backoff' },
  TASK_LOST: { domain: 'external', retry: 'backoff' },
  /** Another process cannot be reached, or broke off. */
  PEER_UNREACHABLE: { domain: 'external', retry: 'backoff' },
  /** Another process refuses to talk: another version, an old leader, no right to. */
  PEER_REFUSED: { domain: 'external', retry: 'never' },
  /** No slots for the job within the time it waits. */
  NO_RESOURCES: { domain: 'external', retry: 'backoff' },
  /** No job of that id runs, and no archive of one is kept. */
  JOB_NOT_FOUND: { domain: 'user', retry: 'never' },
  UNSUPPORTED: { domain: 'user', retry: 'never' },
  INTERNAL: { domain: 'internal', retry: 'never' },
} as const satisfies Record<string, { domain: ErrorDomain; retry: RetryAdvice }>

export type ErrorCode = keyof typeof errorCodes

/** Where it happened; every field that is known is filled in on the way up. */
export interface ErrorPlace {
  readonly job?: string
  readonly operator?: string
  readonly subtask?: number
  readonly file?: string
  readonly line?: number
  readonly option?: string
  /** Position of the record in its source or channel, as words: "record 1,204 of split 3". */
  readonly record?: string
}

export interface StreamErrorOptions {
  readonly hint?: string
  readonly place?: ErrorPlace
  readonly cause?: unknown
  readonly domain?: ErrorDomain
  readonly retry?: RetryAdvice
}

/** A StreamError as plain data. */
export interface WireError {
  readonly code: ErrorCode
  readonly message: string
  readonly domain: ErrorDomain
  readonly retry: RetryAdvice
  readonly hint?: string
  readonly place?: ErrorPlace
  readonly stack?: string
  readonly cause?: WireError | { readonly name: string; readonly message: string; readonly stack?: string }
}

export class StreamError extends Error {
  readonly code: ErrorCode
  readonly domain: ErrorDomain
  readonly retry: RetryAdvice
  readonly hint: string | undefined
  readonly place: ErrorPlace

  constructor(code: ErrorCode, message: string, options: StreamErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'StreamError'
    this.code = code
    this.domain = options.domain ?? errorCodes[code].domain
    this.retry = options.retry ?? errorCodes[code].retry
    this.hint = options.hint
    this.place = options.place ?? {}
  }

  /** Turns whatever was thrown into a StreamError; one that already is keeps its identity. */
  static from(thrown: unknown, code: ErrorCode = 'INTERNAL', options: StreamErrorOptions = {}): StreamError {
    if (thrown instanceof StreamError) return thrown
    const message = thrown instanceof Error ? thrown.message : String(thrown)
    return new StreamError(code, message, { cause: thrown, ...options })
  }

  toWire(): WireError {
    const { code, message, domain, retry, hint, place, stack, cause } = this
    return { code, message, domain, retry, hint, place, stack, ...(cause !== undefined && { cause: causeToWire(cause) }) }
  }

  static fromWire(wire: WireError): StreamError {
    const cause =
      wire.cause === undefined
        ? undefined
        : 'code' in wire.cause
          ? StreamError.fromWire(wire.cause)
          : Object.assign(new Error(wire.cause.message), wire.cause)
    const error = new StreamError(wire.code, wire.message, { ...wire, cause })
    if (wire.stack !== undefined) error.stack = wire.stack
    return error
  }
}

function causeToWire(cause: unknown): NonNullable<WireError['cause']> {
  if (cause instanceof StreamError) return cause.toWire()
  if (cause instanceof Error) return { name: cause.name, message: cause.message, stack: cause.stack }
  return { name: 'Thrown', message: String(cause) }
}

/** Fails on a condition that only a bug in headrace can break. */
export function assert(condition: unknown, what: string): asserts condition {
  if (!condition) throw new StreamError('INTERNAL', `headrace bug: ${what}`, { hint: 'Please report this with the stack below.' })
}
