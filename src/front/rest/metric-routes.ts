/** Metrics of the cluster, its jobs and their tasks. A job, vertex or subtask that is not there has none, which is no error in Flink. */
import type { FastifyRequest } from 'fastify'
import type { ArchivedJob } from '../../cluster/rpc/job-archive.ts'
import { freeSlotsOf, slotsOf } from './cluster-routes.ts'
import { findJob, vertexIn } from './find-job.ts'
import { aggregatedList, aggregations, jobMetrics, type Metrics, metricList, taskMetrics } from './metric-values.ts'
import { Refusal } from './refusal.ts'
import { idOf, numberOf, pathText, queryChoices, queryList, refuseQuery } from './request-parameters.ts'
import type { RestContext } from './rest-context.ts'
import type { RouteGroup } from './route-groups.ts'
import { finalStates, hasEnded } from './states-of.ts'

const ofVertex = '/jobs/:jobid/vertices/:vertexid'

export const metricRoutes: RouteGroup = (app, context) => {
  const { gateway, clock } = context
  const asked = (request: FastifyRequest) => queryList(request, 'get')

  app.get('/jobmanager/metrics', async (request) => metricList(await jobManagerMetrics(context), asked(request)))
  app.get('/taskmanagers/:taskmanagerid/metrics', async (request) => {
    const id = pathText(request, 'taskmanagerid')
    const found = (await gateway.taskManagers()).find(({ taskManagerId }) => taskManagerId === id)
    if (found === undefined) throw new Refusal(404, `TaskManager ${id} not found`)
    return metricList(new Map(Object.entries(found.metrics)), asked(request))
  })
  app.get('/taskmanagers/metrics', async (request) => {
    const only = queryList(request, 'taskmanagers')
    const found = (await gateway.taskManagers()).filter(({ taskManagerId }) => only === undefined || only.includes(taskManagerId))
    return aggregatedMetrics(
      request,
      found.map(({ metrics }) => new Map(Object.entries(metrics))),
    )
  })
  app.get('/jobs/metrics', async (request) => {
    const only = queryList(request, 'jobs')?.map((id) => (/^[0-9a-fA-F]{32}$/.test(id) ? id.toLowerCase() : refuseQuery('jobs', id)))
    const jobs = (await gateway.jobs()).filter(({ jobId, state }) => !hasEnded(state) && (only === undefined || only.includes(jobId)))
    const found = await Promise.all(jobs.map(({ jobId }) => findJob(gateway, jobId)))
    return aggregatedMetrics(
      request,
      found.flatMap((job) => (job === undefined ? [] : [jobMetrics(job, clock.now())])),
    )
  })
  app.get('/jobs/:jobid/metrics', async (request) => {
    const job = await findJob(gateway, idOf(request, 'jobid'))
    return job === undefined ? [] : metricList(jobMetrics(job, clock.now()), asked(request))
  })
  // Operators have nothing in the JobManager that is measured.
  app.get(`${ofVertex}/jm-operator-metrics`, async (request) => {
    await subtaskMetrics(context, request)
    return []
  })
  app.get(`${ofVertex}/metrics`, async (request) => {
    const all = await subtaskMetrics(context, request)
    return metricList(
      new Map(all.flatMap((metrics, subtask) => [...metrics].map(([name, value]) => [`${subtask}.${name}`, value] as const))),
      asked(request),
    )
  })
  app.get(`${ofVertex}/subtasks/metrics`, async (request) => {
    const only = queryList(request, 'subtasks')?.map((text) => rangeOf(text))
    const all = await subtaskMetrics(context, request)
    return aggregatedMetrics(
      request,
      all.filter((_, subtask) => only === undefined || only.some(([from, to]) => subtask >= from && subtask <= to)),
    )
  })
  app.get(`${ofVertex}/subtasks/:subtaskindex/metrics`, async (request) => {
    const index = numberOf(request, 'subtaskindex')
    return metricList((await subtaskMetrics(context, request))[index] ?? new Map(), asked(request))
  })
}

function aggregatedMetrics(request: FastifyRequest, all: readonly Metrics[]): unknown {
  return aggregatedList(all, queryList(request, 'get'), queryChoices(request, 'agg', aggregations))
}

/** `3` or `0-7`, both ends included. */
function rangeOf(text: string): readonly [number, number] {
  const parts = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(text) ?? refuseQuery('subtasks', text)
  return [Number(parts[1]), Number(parts[2] ?? parts[1])]
}

async function subtaskMetrics({ gateway }: RestContext, request: FastifyRequest): Promise<readonly Metrics[]> {
  const [jobId, vertexId] = [idOf(request, 'jobid'), idOf(request, 'vertexid')]
  const job = await findJob(gateway, jobId)
  const vertex = job && vertexIn(job, vertexId)
  return job === undefined || vertex === undefined ? [] : metricsOfVertex(job, vertex)
}

function metricsOfVertex({ vertices, jobGraph, state }: ArchivedJob, vertex: number): readonly Metrics[] {
  return vertices[vertex]!.map(({ current }) =>
    taskMetrics(jobGraph.vertices[vertex]!, current, !hasEnded(state) && !finalStates.has(current.state)),
  )
}

async function jobManagerMetrics({ gateway }: RestContext): Promise<Metrics> {
  const [{ metrics }, taskManagers, jobs] = await Promise.all([gateway.jobManager(), gateway.taskManagers(), gateway.jobs()])
  return new Map([
    ...Object.entries(metrics),
    ['numRegisteredTaskManagers', taskManagers.length],
    ['numRunningJobs', jobs.filter(({ state }) => !hasEnded(state)).length],
    ['taskSlotsAvailable', freeSlotsOf(taskManagers)],
    ['taskSlotsTotal', slotsOf(taskManagers)],
  ])
}
