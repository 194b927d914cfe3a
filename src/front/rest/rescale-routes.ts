/**
 * Rescaling. Where the cluster cannot rescale, these answer as Flink does with its scheduler that cannot; no history of rescalings is
 * kept, and none is told.
 */
import type { ParallelismBounds } from '../../cluster/rpc/dispatcher-gateway.ts'
import { jobOf, vertexIn } from './find-job.ts'
import { Refusal } from './refusal.ts'
import { jsonOf } from './request-body.ts'
import { idOf, pathText } from './request-parameters.ts'
import type { RouteGroup } from './route-groups.ts'

const requirements = '/jobs/:jobid/resource-requirements'

export const rescaleRoutes: RouteGroup = (app, { gateway, webRescale }) => {
  app.get(requirements, async (request) => {
    const { jobGraph } = await jobOf(gateway, request)
    return Object.fromEntries(
      jobGraph.vertices.map(({ vertexId, parallelism }) => [vertexId, { parallelism: { lowerBound: 1, upperBound: parallelism } }]),
    )
  })
  app.put(requirements, async (request) => {
    if (!webRescale) throw new Refusal(403, 'Jobs are not to be rescaled here (web.rescale.enable).')
    const bounds = boundsOf(jsonOf(request))
    const job = await jobOf(gateway, request)
    const unknown = Object.keys(bounds).find((id) => vertexIn(job, id) === undefined)
    if (unknown !== undefined) throw new Refusal(400, `Job ${job.jobId} has no vertex ${unknown}.`)
    if (gateway.rescale === undefined)
      throw new Refusal(
        400,
        'This cluster cannot rescale a running job. Stop it with a savepoint, and start it from there with another parallelism.',
      )
    await gateway.rescale(job.jobId, bounds)
    return {}
  })
  for (const what of ['config', 'history', 'overview', 'summary', 'details/:rescaleuuid']) {
    app.get(`/jobs/:jobid/rescales/${what}`, async (request) => {
      if (what.startsWith('details')) pathText(request, 'rescaleuuid')
      const { jobId } = await jobOf(gateway, request)
      throw new Refusal(404, `Nothing is known of rescalings of job ${jobId}.`)
    })
  }

  const unavailable = (): never => {
    throw new Refusal(503, 'Rescaling by this way is temporarily disabled, as in Flink. Use PUT /jobs/:jobid/resource-requirements.')
  }
  app.patch('/jobs/:jobid/rescaling', async (request) => {
    idOf(request, 'jobid')
    return unavailable()
  })
  app.get('/jobs/:jobid/rescaling/:triggerid', async (request) => {
    idOf(request, 'jobid')
    idOf(request, 'triggerid')
    return unavailable()
  })
}

/** By vertex id in lower case. */
function boundsOf(body: unknown): Readonly<Record<string, ParallelismBounds>> {
  const unfit = (): never => {
    throw new Refusal(400, 'Request did not match expected format JobResourceRequirementsBody.')
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return unfit()
  const entries = Object.entries(body).map(([id, said]): [string, ParallelismBounds] => {
    const { lowerBound = 1, upperBound } = ((said as { parallelism?: unknown } | null)?.parallelism ?? {}) as Partial<ParallelismBounds>
    const isNumber = Number.isSafeInteger(lowerBound) && Number.isSafeInteger(upperBound)
    if (!/^[0-9a-fA-F]{32}$/.test(id) || !isNumber) return unfit()
    if (lowerBound < 1 || upperBound! < lowerBound) throw new Refusal(400, `Bounds of vertex ${id} must be 1 <= lowerBound <= upperBound.`)
    return [id.toLowerCase(), { lowerBound, upperBound: upperBound! }]
  })
  return Object.fromEntries(entries)
}
