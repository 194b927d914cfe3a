/**
 * How REST says no: a status and texts, which go out as `{"errors": [...]}` and nothing else, since Flink's client takes a body for an
 * error only then. Whatever else is thrown becomes one here.
 */
import { StreamError } from '../../base/core/stream-error.ts'

export class Refusal extends Error {
  readonly status: number
  readonly errors: readonly string[]

  constructor(status: number, ...errors: readonly string[]) {
    super(errors.join('\n'))
    this.name = 'Refusal'
    this.status = status
    this.errors = errors
  }
}

export const malformed = (what: string): Refusal => new Refusal(400, `Bad request, could not parse parameters: ${what}`)

export const jobNotFound = (jobId: string): Refusal => new Refusal(404, `Job ${jobId} not found`)

/** `GET` alone looks for files; any other method names what was asked for. */
export const nothingThere = (method: string, url: string): Refusal =>
  new Refusal(404, method === 'GET' ? `Unable to load requested file ${pathOf(url)}.` : `Not found: ${pathOf(url)}`)

const pathOf = (url: string): string => url.split('?')[0]!

const statusOfCode: { readonly [code: string]: number } = {
  JOB_NOT_FOUND: 404,
  FILE_NOT_FOUND: 404,
  INVALID_ARGUMENT: 400,
  INVALID_CONFIG: 400,
  INVALID_PROGRAM: 400,
  UNSUPPORTED: 400,
  CHECKPOINT_DECLINED: 409,
  NO_RESOURCES: 503,
  PEER_UNREACHABLE: 503,
}

/** What Fastify itself throws for requests that it cannot read has a status of its own. */
interface HttpError {
  readonly statusCode?: unknown
  readonly message?: unknown
}

export function refusalOf(thrown: unknown): Refusal {
  if (thrown instanceof Refusal) return thrown
  if (thrown instanceof StreamError && statusOfCode[thrown.code] !== undefined)
    return new Refusal(statusOfCode[thrown.code]!, withHint(thrown))
  const { statusCode, message } = (thrown ?? {}) as HttpError
  if (!(thrown instanceof StreamError) && typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500)
    return new Refusal(statusCode, String(message))
  const trace = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
  return new Refusal(500, 'Internal server error.', `<Exception on server side:\n${trace}\nEnd of exception on server side>`)
}

const withHint = ({ message, hint }: StreamError): string => (hint === undefined ? message : `${message}\n${hint}`)
