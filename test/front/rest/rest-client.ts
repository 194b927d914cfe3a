/** A REST server over a JobCluster, and requests to it over real HTTP. */

import { randomBytes } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { systemClock } from '../../../src/base/core/system-clock.ts'
import { type RestServer, type RestServerOptions, serveRest } from '../../../src/front/rest/rest-server.ts'
import { JobCluster } from './job-cluster.ts'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** Undefined where the text is no JSON. */
  readonly json: any
}

export interface Rest {
  readonly cluster: JobCluster
  readonly server: RestServer
  ask(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  get(path: string): Promise<Answer>
  end(): Promise<void>
}

export async function startRest(options: Partial<RestServerOptions> = {}): Promise<Rest> {
  const cluster = new JobCluster()
  const server = await serveRest({
    ...{
      gateway: cluster,
      clock: systemClock,
      fileSystem: cluster.fileSystem,
      uploadFolder: '/uploads',
      config: {},
      host: '127.0.0.1',
      port: 0,
    },
    newId: () => randomBytes(16).toString('hex'),
    ...options,
  })
  const ask: Rest['ask'] = async (method, path, body, headers = {}) => {
    const isText = typeof body === 'string' || body instanceof FormData || body instanceof Uint8Array
    const sent = body === undefined ? {} : { body: isText ? (body as FormData) : JSON.stringify(body) }
    const answer = await fetch(server.url + path, { method, headers, ...sent })
    const text = await answer.text()
    return { status: answer.status, headers: answer.headers, text, json: parsed(text) }
  }
  return {
    ...{ cluster, server, ask, get: (path) => ask('GET', path) },
    async end() {
      await cluster.end()
      await server.close()
    },
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** With headers and a path that fetch would not send. */
export function rawRequest(
  server: RestServer,
  method: string,
  path: string,
  headers: Record<string, string>,
  body = '',
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port: server.port, method, path, headers }, (response) => {
      let text = ''
      response.on('data', (piece) => (text += piece)).on('end', () => resolve({ status: response.statusCode!, text }))
    })
    request.on('error', reject)
    request.end(body)
  })
}

export function fileForm(name: string, content: string | Uint8Array, field = 'jarfile'): FormData {
  const form = new FormData()
  form.append(field, new Blob([content as string]), name)
  return form
}

/** Asks until it holds; the test's own time limit ends it otherwise. */
export async function eventually<T>(ask: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await ask()
    if (holds(value)) return value
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
