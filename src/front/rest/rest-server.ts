/**
 * Flink's REST API over the Dispatcher's gateway, in the JobManager's process. Paths, statuses and bodies are those of Flink 2.3, so that
 * its command line, its Java client, its dashboard and the Python clients work unmodified; docs/design/rest.md tells where they are not.
 *
 * What always holds: every error is `{"errors": [...]}`; a request that cannot be read is refused, and the server goes on serving.
 */
import multipart from '@fastify/multipart'
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import type { Clock } from '../../base/core/clock.ts'
import { type Config, configValue } from '../../base/core/config-options.ts'
import type { FileSystem } from '../../base/filesystem/file-system.ts'
import type { DispatcherGateway } from '../../cluster/rpc/dispatcher-gateway.ts'
import { AsyncOperations } from './async-operations.ts'
import { nothingThere, refusalOf } from './refusal.ts'
import { refused } from './request-guard.ts'
import type { RestContext } from './rest-context.ts'
import { routeGroups } from './route-groups.ts'
import { UploadStore } from './upload-store.ts'

export interface RestServerOptions {
  readonly gateway: DispatcherGateway
  readonly clock: Clock
  readonly fileSystem: FileSystem
  /** Uploaded programs are kept here. */
  readonly uploadFolder: string
  /** 32 hex digits, never the same twice. */
  readonly newId: () => string
  /** Of the cluster: rest.*, web.*. */
  readonly config: Config
  readonly host: string
  /** 0: any. */
  readonly port: number
  /** Certificate and key in PEM; absent: no TLS. */
  readonly tls?: { readonly cert: string; readonly key: string }
  /** Names under which clients may ask for this server, beside addresses, localhost, `host` and rest.address. */
  readonly hostNames?: readonly string[]
}

export interface RestServer {
  /** `http://host:port`. */
  readonly url: string
  readonly port: number
  /** Requests under way are answered. */
  close(): Promise<void>
}

/** As in Flink (rest.server.max-content-length), for uploads; other bodies are small. */
const maxUploadBytes = 100 * 1024 * 1024
const maxBodyBytes = 1024 * 1024
/** A request can name all metrics of a vertex, or a path of many characters. */
const maxPathParameterLength = 8 * 1024
const maxHeaderBytes = 64 * 1024
/** A request that is not sent whole within this is given up. */
const requestTimeoutMs = 300_000

/** Rejects when it cannot listen there. */
export async function serveRest(options: RestServerOptions): Promise<RestServer> {
  const app = await restApp(options)
  const address = await app.listen({ host: options.host, port: options.port })
  const { port } = new URL(address)
  return { url: address, port: Number(port), close: () => app.close() }
}

async function restApp(options: RestServerOptions): Promise<FastifyInstance> {
  const { tls, gateway, clock, newId, config } = options
  const app = fastify({
    ...(tls && { https: tls }),
    bodyLimit: maxBodyBytes,
    http: { maxHeaderSize: maxHeaderBytes },
    exposeHeadRoutes: false,
    forceCloseConnections: 'idle',
    requestTimeout: requestTimeoutMs,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: maxPathParameterLength },
    frameworkErrors: (error, _request, reply) => void sendRefusal(reply as unknown as FastifyReply, error),
  }) as unknown as FastifyInstance
  guard(app, options)
  // The content type of a JSON body is whatever the client thinks: Flink reads it all the same.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  await app.register(multipart, { limits: { fileSize: maxUploadBytes, files: 8, fields: 16, parts: 24, fieldSize: 64 * 1024 } })
  app.setErrorHandler((error, _request, reply) => sendRefusal(reply, error))
  app.setNotFoundHandler((request, reply) => sendRefusal(reply, nothingThere(request.method, request.url)))
  const context: RestContext = {
    ...{ gateway, clock, newId, maxUploadBytes },
    operations: new AsyncOperations(clock),
    uploads: new UploadStore(options),
    webSubmit: configValue(config, 'web.submit.enable'),
    webCancel: configValue(config, 'web.cancel.enable'),
    webRescale: configValue(config, 'web.rescale.enable'),
    refreshIntervalMs: configValue(config, 'web.refresh-interval'),
  }
  for (const prefix of ['', '/v1']) {
    await app.register(
      async (scope) => {
        for (const routes of routeGroups) routes(scope, context)
      },
      { prefix },
    )
  }
  return app
}

function guard(app: FastifyInstance, { host, hostNames = [], config }: RestServerOptions): void {
  const restAddress = configValue(config, 'rest.address')
  const names = new Set([host, ...hostNames, ...(restAddress === undefined ? [] : [restAddress])].map((name) => name.toLowerCase()))
  app.addHook('onRequest', async (request, reply) => {
    reply.header('content-type', 'application/json; charset=UTF-8').header('access-control-allow-origin', '*')
    const path = request.url.split('?')[0]!
    const refusal = refused({ method: request.method, path, headers: request.headers }, names)
    if (refusal !== undefined) throw refusal
  })
}

function sendRefusal(reply: FastifyReply, thrown: unknown): FastifyReply {
  const { status, errors } = refusalOf(thrown)
  return reply
    .code(status)
    .header('content-type', 'application/json; charset=UTF-8')
    .header('access-control-allow-origin', '*')
    .send(JSON.stringify({ errors }))
}
