/** Cached intermediate results of batch jobs, of which there are none: every list is empty, and whatever is deleted was not there. */
import { bodyOf } from './request-body.ts'
import { idOf } from './request-parameters.ts'
import type { RouteGroup } from './route-groups.ts'

export const dataSetRoutes: RouteGroup = (app, { operations, newId }) => {
  app.get('/datasets', async () => ({ dataSets: [] }))
  app.delete('/datasets/:datasetid', async (request, reply) => {
    idOf(request, 'datasetid')
    bodyOf(request, 'EmptyRequestBody', {})
    const triggerId = newId()
    operations.trigger({ kind: 'dataset', about: 'data sets', triggerId }, async () => ({}))
    reply.code(202)
    return { 'request-id': triggerId }
  })
  app.get('/datasets/delete/:triggerid', async (request) =>
    operations.status({ kind: 'dataset', about: 'data sets', triggerId: idOf(request, 'triggerid') }),
  )
}
