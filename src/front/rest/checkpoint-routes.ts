/** What is told of a job's checkpoints. */
import type { FastifyRequest } from 'fastify'
import { checkpointConfig, checkpointDetails, checkpointingStatistics, checkpointSubtasks } from './checkpoint-info.ts'
import { jobOf, vertexIn } from './find-job.ts'
import { Refusal } from './refusal.ts'
import { idOf, numberOf } from './request-parameters.ts'
import type { RouteGroup } from './route-groups.ts'

const ofCheckpoint = '/jobs/:jobid/checkpoints/details/:checkpointid'

export const checkpointRoutes: RouteGroup = (app, { gateway, clock }) => {
  const detailsOf = async (request: FastifyRequest) => {
    const checkpointId = numberOf(request, 'checkpointid')
    const job = await jobOf(gateway, request)
    const details = job.checkpoints.history.find((each) => each.checkpointId === checkpointId)
    if (details === undefined) throw new Refusal(404, `Could not find checkpointing statistics for checkpoint ${checkpointId}.`)
    return { job, details }
  }
  app.get('/jobs/:jobid/checkpoints', async (request) => checkpointingStatistics(await jobOf(gateway, request), clock.now()))
  app.get('/jobs/:jobid/checkpoints/config', async (request) => checkpointConfig((await jobOf(gateway, request)).jobGraph.config))
  app.get(ofCheckpoint, async (request) => {
    const { job, details } = await detailsOf(request)
    return checkpointDetails(job, details, clock.now())
  })
  app.get(`${ofCheckpoint}/subtasks/:vertexid`, async (request) => {
    const vertexId = idOf(request, 'vertexid')
    const { job, details } = await detailsOf(request)
    const task = details.tasks.find(({ vertex }) => vertex === vertexIn(job, vertexId))
    if (task === undefined) throw new Refusal(404, `There is no task ${vertexId} in checkpoint ${details.checkpointId}.`)
    return checkpointSubtasks(details, task)
  })
}
