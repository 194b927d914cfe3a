/**
 * An error as Flink's clients read it: its class, its trace, and a Java object in Base64, since the Java client looks at nothing else.
 */
import { StreamError, type WireError } from '../../base/core/stream-error.ts'
import { serializedThrowable } from './serialized-throwable.ts'

export interface FailureCause {
  readonly class: string
  readonly 'stack-trace': string
  readonly 'serialized-throwable': string
}

/** The name that stands where Java has that of an exception's class. */
export const errorClass = ({ code }: Pick<StreamError, 'code'>): string => `headrace.StreamError.${code}`

/** The first line says what happened, as in Java; what to do about it and the causes follow. */
export function traceOf(error: StreamError | WireError): string {
  const frames = (error.stack ?? '').split('\n').filter((line) => line.startsWith('    at '))
  const hint = error.hint === undefined ? [] : [`    (${error.hint.replaceAll('\n', ' ')})`]
  const cause = error.cause === undefined || error.cause === null ? [] : [`Caused by: ${textOf(error.cause)}`]
  return [`${errorClass(error)}: ${error.message}`, ...hint, ...frames, ...cause].join('\n')
}

function textOf(cause: unknown): string {
  if (cause instanceof StreamError) return traceOf(cause)
  if (typeof cause === 'object' && cause !== null && 'code' in cause && 'domain' in cause) return traceOf(cause as WireError)
  const { name, message, stack } = cause as { name?: string; message?: string; stack?: string }
  return stack ?? (message === undefined ? String(cause) : `${name}: ${message}`)
}

export function failureCause(error: StreamError | WireError): FailureCause {
  const trace = traceOf(error)
  const bytes = serializedThrowable({ className: errorClass(error), message: error.message, trace })
  return { class: errorClass(error), 'stack-trace': trace, 'serialized-throwable': Buffer.from(bytes).toString('base64') }
}
