/** Vertices of a job and their subtasks. */
import type { ArchivedExecution } from '../../cluster/rpc/job-archive.ts'
import { subtaskOf, vertexOf } from './find-job.ts'
import { metricText } from './metric-values.ts'
import { Refusal } from './refusal.ts'
import { numberOf, queryChoice, queryInteger } from './request-parameters.ts'
import type { RouteGroup } from './route-groups.ts'
import { currentOf, endpointOf } from './states-of.ts'
import { accumulatorsOf, attemptDetails, backPressure, subtaskTimes, vertexDetails, vertexTaskManagers } from './vertex-info.ts'

const ofVertex = '/jobs/:jobid/vertices/:vertexid'
const ofSubtask = `${ofVertex}/subtasks/:subtaskindex`

export const vertexRoutes: RouteGroup = (app, context) => {
  const { gateway, clock } = context

  app.get(ofVertex, async (request) => {
    const { job, vertex } = await vertexOf(gateway, request)
    return vertexDetails(job, vertex, clock.now())
  })
  app.get(`${ofVertex}/subtasktimes`, async (request) => {
    const { job, vertex } = await vertexOf(gateway, request)
    return subtaskTimes(job, vertex, clock.now())
  })
  app.get(`${ofVertex}/taskmanagers`, async (request) => {
    const { job, vertex } = await vertexOf(gateway, request)
    return vertexTaskManagers(job, vertex, clock.now())
  })
  app.get(`${ofVertex}/backpressure`, async (request) => {
    const { job, vertex } = await vertexOf(gateway, request)
    return backPressure(job, vertex, clock.now())
  })
  app.get(`${ofVertex}/watermarks`, async (request) => {
    const { job, vertex } = await vertexOf(gateway, request)
    return job.vertices[vertex]!.flatMap(({ subtask, current: { metrics, rates } }) =>
      metrics === undefined || rates === undefined
        ? []
        : [{ id: `${subtask}.currentInputWatermark`, value: metricText(metrics.watermark) }],
    )
  })
  // No samples are taken yet, which is what Flink answers until it has some.
  app.get(`${ofVertex}/flamegraph`, async (request) => {
    queryChoice(request, 'type', ['FULL', 'ON_CPU', 'OFF_CPU'])
    queryInteger(request, 'subtaskindex', 0)
    await vertexOf(gateway, request)
    return { endTimestamp: -1 }
  })
  subtaskRoutes(app, context)
  accumulatorRoutes(app, context)
}

const subtaskRoutes: RouteGroup = (app, { gateway, clock }) => {
  app.get(ofSubtask, async (request) => {
    const { found } = await subtaskOf(gateway, request)
    return attemptDetails(found.subtask, found.current, clock.now())
  })
  app.get(`${ofSubtask}/attempts/:attempt`, async (request) => {
    const attempt = numberOf(request, 'attempt')
    const { found } = await subtaskOf(gateway, request)
    return attemptDetails(found.subtask, attemptOf(found, attempt), clock.now())
  })
  app.get(`${ofSubtask}/attempts/:attempt/accumulators`, async (request) => {
    const attempt = numberOf(request, 'attempt')
    const { found } = await subtaskOf(gateway, request)
    const execution = attemptOf(found, attempt)
    const id = `${found.subtask}_${attempt}`
    return { subtask: found.subtask, attempt, id, 'user-accumulators': accumulatorsOf([execution]) }
  })
}

function attemptOf(
  { current, earlier }: { current: ArchivedExecution; earlier: readonly ArchivedExecution[] },
  attempt: number,
): ArchivedExecution {
  const found = [...earlier, current].find((execution) => execution.attempt === attempt)
  if (found === undefined) throw new Refusal(404, `Attempt ${attempt} not found: there is none, or it is not kept any more.`)
  return found
}

const accumulatorRoutes: RouteGroup = (app, { gateway }) => {
  app.get(`${ofVertex}/accumulators`, async (request) => {
    const { job, vertex } = await vertexOf(gateway, request)
    return { id: job.jobGraph.vertices[vertex]!.vertexId, 'user-accumulators': accumulatorsOf(currentOf(job.vertices[vertex]!)) }
  })
  app.get(`${ofVertex}/subtasks/accumulators`, async (request) => {
    const { job, vertex } = await vertexOf(gateway, request)
    const { vertexId, parallelism } = job.jobGraph.vertices[vertex]!
    const subtasks = job.vertices[vertex]!.map(({ subtask, current }) => ({
      ...{ subtask, attempt: current.attempt, endpoint: endpointOf(current.location), 'user-accumulators': accumulatorsOf([current]) },
    }))
    return { id: vertexId, parallelism, subtasks }
  })
}
