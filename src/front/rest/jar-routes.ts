/**
 * Programs that are uploaded and run. Flink's clients insist on names that end in `.jar`; what is in the file decides what it is.
 * Where a request says a thing in its body and in its query, the body wins.
 */
import type { FastifyRequest } from 'fastify'
import { type Config, checkConfig } from '../../base/core/config-options.ts'
import type { SubmittedProgram } from '../../cluster/rpc/dispatcher-gateway.ts'
import { planInfo } from './plan-info.ts'
import { programKindOf } from './program-kind.ts'
import { malformed, Refusal } from './refusal.ts'
import { bodyOf } from './request-body.ts'
import { pathText, queryBoolean, queryInteger, queryList, queryText } from './request-parameters.ts'
import type { RestContext } from './rest-context.ts'
import type { RouteGroup } from './route-groups.ts'
import { shellWords } from './shell-words.ts'
import { UploadGate } from './upload-gate.ts'

export const jarRoutes: RouteGroup = (app, context) => {
  const { gateway, uploads, webSubmit } = context
  const gate = new UploadGate()
  const mayChange = (): void => {
    if (!webSubmit) throw new Refusal(403, 'Programs are not to be submitted over REST here (web.submit.enable).')
  }

  app.get('/jars', async (request) => ({
    address: `${request.protocol}://${request.host}`,
    files: (await uploads.list()).map(({ id, name, uploadedMs }) => ({
      ...{ id, name, uploaded: uploadedMs, entry: [{ name: 'default', description: null }] },
    })),
  }))
  app.post('/jars/upload', { bodyLimit: context.maxUploadBytes }, async (request) => {
    mayChange()
    return gate.through(async () => {
      const { name, bytes } = await uploadedFile(request)
      if (!name.endsWith('.jar')) throw new Refusal(400, 'Only Jar files are allowed.')
      programKindOf(bytes, name)
      return { filename: await uploads.add(name, bytes), status: 'success' }
    })
  })
  app.delete('/jars/:jarid', async (request) => {
    mayChange()
    await uploads.remove(jarId(request))
    return {}
  })
  app.post('/jars/:jarid/run', async (request) => {
    mayChange()
    const { jobId } = await gateway.submit(await programOf(context, request, 'JarRunRequestBody'))
    return { jobid: jobId, applicationId: jobId }
  })
  app.post('/jars/:jarid/run-application', async (request, reply) => {
    mayChange()
    const { jobId } = await gateway.submit(await programOf(context, request, 'JarRunApplicationRequestBody'))
    reply.code(202)
    return { applicationid: jobId }
  })
  // The dashboard asks with a GET.
  for (const method of ['GET', 'POST'] as const) {
    app.route({
      ...{ method, url: '/jars/:jarid/plan' },
      handler: async (request) => {
        const program = await programOf(context, request, 'JarPlanRequestBody')
        return { plan: planInfo(program.jobId ?? context.newId(), await gateway.plan(program)) }
      },
    })
  }
}

/** Exactly one file, under whatever name of a field. */
async function uploadedFile(request: FastifyRequest): Promise<{ name: string; bytes: Uint8Array }> {
  const files: { name: string; bytes: Uint8Array }[] = []
  try {
    if (request.isMultipart()) for await (const part of request.files()) files.push({ name: part.filename, bytes: await part.toBuffer() })
  } catch (thrown) {
    // The reader says of a limit which status it stands for; all else is a form that cannot be read.
    if (thrown instanceof Error && 'statusCode' in thrown) throw thrown
    throw new Refusal(400, `The upload is no form that can be read: ${thrown instanceof Error ? thrown.message : String(thrown)}.`)
  }
  if (files.length !== 1) throw new Refusal(400, `Exactly 1 file must be sent, received ${files.length}.`)
  return files[0]!
}

function jarId(request: FastifyRequest): string {
  const id = pathText(request, 'jarid')
  if (!id.endsWith('.jar') || /[/\\\0]/.test(id)) throw malformed(`Cannot resolve path parameter (jarid) from value "${id}".`)
  return id
}

const claimModes = ['CLAIM', 'NO_CLAIM', 'LEGACY'] as const

async function programOf(context: RestContext, request: FastifyRequest, format: string): Promise<SubmittedProgram> {
  const id = jarId(request)
  const body = bodyOf(request, format, {
    ...{ entryClass: 'text', programArgsList: 'texts', programArgs: 'text', 'program-args': 'text', parallelism: 'integer', jobId: 'id' },
    ...{
      allowNonRestoredState: 'boolean',
      savepointPath: 'text',
      claimMode: claimModes,
      restoreMode: claimModes,
      flinkConfiguration: 'map',
    },
  })
  const entry = body.entryClass || queryText(request, 'entry-class')
  const parallelism = body.parallelism ?? queryInteger(request, 'parallelism', 1)
  if (parallelism !== undefined && parallelism < 1) throw new Refusal(400, `A job's parallelism is 1 or more, not ${parallelism}.`)
  const savepoint = body.savepointPath || queryText(request, 'savepointPath')
  const claimMode = body.claimMode ?? body.restoreMode
  const lenient = body.allowNonRestoredState ?? queryBoolean(request, 'allowNonRestoredState')
  const config: Config = {
    ...body.flinkConfiguration,
    ...(parallelism !== undefined && { 'parallelism.default': parallelism }),
    ...(savepoint && { 'execution.state-recovery.path': savepoint }),
    ...(claimMode && { 'execution.state-recovery.claim-mode': claimMode === 'CLAIM' ? 'CLAIM' : 'NO_CLAIM' }),
    ...(lenient !== undefined && { 'execution.state-recovery.ignore-unclaimed-state': lenient }),
  }
  const { bytes, name } = await context.uploads.read(id)
  return {
    ...{ bytes, file: name, args: argumentsOf(body, request), config: checkConfig(config).config },
    ...(entry && entry !== 'default' && { entry }),
    ...(body.jobId && { jobId: body.jobId }),
  }
}

/** The list counts; where it is absent, so do the older forms that clients still send and Flink ignores without a word. */
function argumentsOf(
  body: { readonly programArgsList?: readonly string[]; readonly programArgs?: string; readonly 'program-args'?: string },
  request: FastifyRequest,
): readonly string[] {
  if (body.programArgsList !== undefined) return body.programArgsList
  const line = body.programArgs ?? body['program-args'] ?? queryText(request, 'programArgs') ?? queryText(request, 'program-args')
  return queryList(request, 'programArg') ?? (line === undefined ? [] : shellWords(line))
}
