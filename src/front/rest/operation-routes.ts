/** What is triggered and asked about later: savepoints, checkpoints, stops, disposals. */
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { AsyncOperations } from './async-operations.ts'
import { Refusal } from './refusal.ts'
import { bodyOf } from './request-body.ts'
import { idOf } from './request-parameters.ts'
import type { RouteGroup } from './route-groups.ts'

const formats = ['CANONICAL', 'NATIVE'] as const
const savepoints = '/jobs/:jobid/savepoints'
const checkpoints = '/jobs/:jobid/checkpoints'
const disposals = '/savepoint-disposal'

export const operationRoutes: RouteGroup = (app, { gateway, operations, newId }) => {
  app.post(savepoints, async (request, reply) => {
    const jobId = idOf(request, 'jobid')
    const body = bodyOf(request, 'SavepointTriggerRequestBody', {
      ...{ 'cancel-job': 'boolean', 'target-directory': 'text', triggerId: 'id', formatType: formats },
    })
    const options = { ...(body['target-directory'] && { directory: body['target-directory'] }), cancel: body['cancel-job'] ?? false }
    const key = { kind: 'savepoint', about: jobId, triggerId: body.triggerId ?? newId() }
    operations.trigger(key, async () => ({ location: await gateway.triggerSavepoint(jobId, options) }))
    return triggered(reply, 202, key.triggerId)
  })
  app.post('/jobs/:jobid/stop', async (request, reply) => {
    const jobId = idOf(request, 'jobid')
    const body = bodyOf(request, 'StopWithSavepointRequestBody', {
      ...{ targetDirectory: 'text', drain: 'boolean', triggerId: 'id', formatType: formats },
    })
    const options = { ...(body.targetDirectory && { directory: body.targetDirectory }), drain: body.drain ?? false }
    const key = { kind: 'savepoint', about: jobId, triggerId: body.triggerId ?? newId() }
    operations.trigger(key, async () => ({ location: await gateway.stopWithSavepoint(jobId, options) }))
    return triggered(reply, 202, key.triggerId)
  })
  app.post(checkpoints, async (request, reply) => {
    const jobId = idOf(request, 'jobid')
    // Every checkpoint is a full one.
    const body = bodyOf(request, 'CheckpointTriggerRequestBody', { checkpointType: ['CONFIGURED', 'FULL', 'INCREMENTAL'], triggerId: 'id' })
    const key = { kind: 'checkpoint', about: jobId, triggerId: body.triggerId ?? newId() }
    operations.trigger(key, async () => ({ checkpointId: (await gateway.triggerCheckpoint(jobId)).checkpointId }))
    return triggered(reply, 202, key.triggerId)
  })
  app.post(disposals, async (request, reply) => {
    const path = bodyOf(request, 'SavepointDisposalRequest', { 'savepoint-path': 'text' })['savepoint-path']
    if (path === undefined) throw new Refusal(400, 'Field "savepoint-path" must not be omitted or be null.')
    const key = { kind: 'disposal', about: 'savepoints', triggerId: newId() }
    operations.trigger(key, async () => gateway.disposeSavepoint(path).then(() => ({})))
    return triggered(reply, 200, key.triggerId)
  })
  statusRoutes(app, operations)
}

/** Disposals alone answer 200. */
function triggered(reply: FastifyReply, status: 200 | 202, triggerId: string): unknown {
  reply.code(status)
  return { 'request-id': triggerId }
}

function statusRoutes(app: FastifyInstance, operations: AsyncOperations): void {
  for (const [path, kind] of [
    [savepoints, 'savepoint'],
    [checkpoints, 'checkpoint'],
  ] as const) {
    app.get(`${path}/:triggerid`, async (request) =>
      operations.status({ kind, about: idOf(request, 'jobid'), triggerId: idOf(request, 'triggerid') }),
    )
  }
  app.get(`${disposals}/:triggerid`, async (request) =>
    operations.status({ kind: 'disposal', about: 'savepoints', triggerId: idOf(request, 'triggerid') }),
  )
}
