/**
 * The cluster's REST API for the command line: the calls that it needs, typed. Errors of the server come as StreamErrors with what it
 * said; a server that is not there is PEER_UNREACHABLE.
 */
import { StreamError } from '../../base/core/stream-error.ts'

export interface ClusterOverview {
  readonly taskmanagers: number
  readonly 'slots-total': number
  readonly 'slots-available': number
  readonly 'flink-version': string
}

export interface ListedJob {
  readonly jid: string
  readonly name: string
  readonly state: string
  /** ms since the epoch. */
  readonly 'start-time': number
  /** -1: it runs. */
  readonly 'end-time': number
  readonly duration: number
  readonly tasks: Readonly<Record<string, number>>
}

export interface JobDetails extends Pick<ListedJob, 'jid' | 'name' | 'state' | 'start-time' | 'end-time' | 'duration'> {
  readonly vertices: readonly {
    readonly id: string
    readonly name: string
    readonly parallelism: number
    readonly status: string
    readonly metrics: { readonly 'read-records': number; readonly 'write-records': number }
  }[]
}

export interface JobFailures {
  readonly exceptionHistory: {
    readonly entries: readonly { readonly exceptionName: string; readonly stacktrace: string; readonly timestamp: number }[]
  }
}

export interface RunRequest {
  readonly programArgsList: readonly string[]
  readonly entryClass?: string
  readonly flinkConfiguration: Readonly<Record<string, string>>
}

interface OperationStatus {
  readonly status: { readonly id: 'IN_PROGRESS' | 'COMPLETED' }
  readonly operation?: { readonly location?: string; readonly 'failure-cause'?: { readonly 'stack-trace': string } }
}

export class RestClient {
  /** Without a slash at its end. */
  readonly url: string

  constructor(url: string) {
    this.url = url.replace(/\/+$/, '')
  }

  overview(): Promise<ClusterOverview> {
    return this.#call('GET', '/overview')
  }

  async jobs(): Promise<readonly ListedJob[]> {
    return (await this.#call<{ readonly jobs: readonly ListedJob[] }>('GET', '/jobs/overview')).jobs
  }

  job(jobId: string): Promise<JobDetails> {
    return this.#call('GET', `/jobs/${encodeURIComponent(jobId)}`)
  }

  failures(jobId: string): Promise<JobFailures> {
    return this.#call('GET', `/jobs/${encodeURIComponent(jobId)}/exceptions`)
  }

  /** The id under which the program can be run. `name` ends in `.jar`, as Flink's API has it. */
  async upload(name: string, bytes: Uint8Array): Promise<string> {
    const form = new FormData()
    form.append('jarfile', new Blob([bytes as Uint8Array<ArrayBuffer>]), name)
    const { filename } = await this.#call<{ readonly filename: string }>('POST', '/jars/upload', form)
    return filename.slice(filename.lastIndexOf('/') + 1)
  }

  async run(programId: string, request: RunRequest): Promise<string> {
    const answer = await this.#call<{ readonly jobid: string }>('POST', `/jars/${encodeURIComponent(programId)}/run`, request)
    return answer.jobid
  }

  async removeProgram(programId: string): Promise<void> {
    await this.#call('DELETE', `/jars/${encodeURIComponent(programId)}`)
  }

  async cancel(jobId: string): Promise<void> {
    await this.#call('PATCH', `/jobs/${encodeURIComponent(jobId)}?mode=cancel`)
  }

  /** The savepoint's folder, when the job has finished. */
  stop(jobId: string, options: { readonly drain: boolean; readonly targetDirectory?: string }): Promise<string> {
    return this.#operation(jobId, '/stop', options)
  }

  /** The savepoint's folder, when it is complete. */
  savepoint(jobId: string, targetDirectory?: string): Promise<string> {
    return this.#operation(jobId, '/savepoints', {
      'cancel-job': false,
      ...(targetDirectory !== undefined && { 'target-directory': targetDirectory }),
    })
  }

  /** The cluster ends, with its TaskManagers. */
  async shutDown(): Promise<void> {
    await this.#call('DELETE', '/cluster')
  }

  async #operation(jobId: string, path: string, body: object): Promise<string> {
    const job = `/jobs/${encodeURIComponent(jobId)}`
    const trigger = await this.#call<{ readonly 'request-id': string }>('POST', `${job}${path}`, body)
    for (;;) {
      const { status, operation } = await this.#call<OperationStatus>('GET', `${job}/savepoints/${trigger['request-id']}`)
      if (status.id === 'COMPLETED') {
        if (operation?.location !== undefined) return operation.location
        const said = operation?.['failure-cause']?.['stack-trace'] ?? 'the cluster did not say why'
        throw new StreamError('CHECKPOINT_FAILED', firstLine(said), { place: { job: jobId } })
      }
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  async #call<T>(method: string, path: string, body?: object): Promise<T> {
    let response: Response
    let text: string
    try {
      response = await fetch(`${this.url}${path}`, {
        method,
        ...(body instanceof FormData && { body }),
        ...(body !== undefined &&
          !(body instanceof FormData) && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      })
      text = await response.text()
    } catch (thrown) {
      throw new StreamError('PEER_UNREACHABLE', `There is no cluster at ${this.url}`, {
        hint: 'Start one with: headrace cluster start. One elsewhere is named by --cluster http://host:8081.',
        cause: thrown,
      })
    }
    if (response.ok) return parsed(text, this.url) as T
    throw refusal(response.status, text)
  }
}

function parsed(text: string, url: string): unknown {
  try {
    return JSON.parse(text)
  } catch (thrown) {
    throw new StreamError('PEER_REFUSED', `${url} answers, but not as a cluster does`, { cause: thrown })
  }
}

/** Flink's form is `{"errors": [sentence, stack]}`. */
function refusal(status: number, text: string): StreamError {
  let errors: readonly unknown[] = []
  try {
    errors = (JSON.parse(text) as { readonly errors?: readonly unknown[] }).errors ?? []
  } catch {
    // What is no JSON is shown as it is.
    errors = [text]
  }
  const [first, stack] = errors.map(String)
  // Of what went wrong within, the first is a phrase and the second the exception.
  const inner = /<Exception on server side:\n([\s\S]*?)\n?End of exception on server side>/.exec(stack ?? first ?? '')?.[1]
  const message = inner ?? first ?? `The cluster answered with status ${status}`
  return new StreamError(status === 404 ? 'JOB_NOT_FOUND' : 'PEER_REFUSED', plainMessage(message))
}

const firstLine = (text: string): string => plainMessage(text.split('\n')[0]!)

/** What was thrown, in Flink's form: the class of its exception, its message, its stack and that of its causes. */
export function plainMessage(text: string): string {
  const [first, ...rest] = text.split('\n')
  const sentence = first!.replace(/^(?:[\w$]+\.)*[\w$]*(?:Exception|Error)(?:\.[A-Z_]+)?: /, '')
  const stackAt = rest.findIndex((line) => /^\s+at |^Caused by: /.test(line))
  return [sentence, ...(stackAt < 0 ? rest : rest.slice(0, stackAt))].join('\n').trimEnd()
}
