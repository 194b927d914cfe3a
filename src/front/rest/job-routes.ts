/** Jobs: lists, details, plan, configuration, failures, results, cancellation. */
import { configValue } from '../../base/core/config-options.ts'
import { restartSettingsOf } from '../../cluster/jobmanager/restart-strategy.ts'
import type { ArchivedJob } from '../../cluster/rpc/job-archive.ts'
import { environmentInfo } from './environment-info.ts'
import { exceptionHistory } from './exception-info.ts'
import { failureCause } from './failure-cause.ts'
import { findJob, jobOf } from './find-job.ts'
import { endedOf, jobDetails, jobDetailsLine } from './job-info.ts'
import { configEntries } from './masked-config.ts'
import { planInfo } from './plan-info.ts'
import { Refusal } from './refusal.ts'
import { bodyOf } from './request-body.ts'
import { idOf, queryBoolean, queryChoice, queryInteger, queryList, refuseQuery } from './request-parameters.ts'
import type { RestContext } from './rest-context.ts'
import type { RouteGroup } from './route-groups.ts'
import { schedulerTypeOf } from './scheduler-type.ts'
import { hasEnded } from './states-of.ts'
import { accumulatorsOf } from './vertex-info.ts'

/** As many as the history has, unless fewer are asked for. */
const mostExceptions = 20

export const jobRoutes: RouteGroup = (app, context) => {
  const { gateway, clock } = context
  const scheduler = schedulerTypeOf(gateway)

  app.get('/jobs', async () => ({ jobs: (await gateway.jobs()).map(({ jobId, state }) => ({ id: jobId, status: state })) }))
  app.get('/jobs/overview', async () => ({ jobs: (await gateway.jobs()).map((job) => jobDetailsLine(job, scheduler, clock.now())) }))
  app.post('/jobs', async () => {
    throw new Refusal(
      400,
      'headrace has no JVM and cannot run a Java job graph. Upload a program in TypeScript or JavaScript with POST /jars/upload and run it with POST /jars/:jarid/run, or use `headrace submit`.',
    )
  })

  app.get('/jobs/:jobid', async (request) => jobDetails(await jobOf(gateway, request), scheduler, clock.now()))
  app.get('/jobs/:jobid/status', async (request) => ({ status: (await jobOf(gateway, request)).state }))
  app.get('/jobs/:jobid/plan', async (request) => {
    const { jobId, jobGraph } = await jobOf(gateway, request)
    return { plan: planInfo(jobId, jobGraph) }
  })
  app.get('/jobs/:jobid/config', async (request) => jobConfig(await jobOf(gateway, request)))
  app.get('/jobs/:jobid/accumulators', async (request) => {
    queryBoolean(request, 'includeSerializedValue')
    const job = await jobOf(gateway, request)
    const executions = job.vertices.flatMap((subtasks) => subtasks.map(({ current }) => current))
    return { 'job-accumulators': [], 'user-task-accumulators': accumulatorsOf(executions), 'serialized-user-task-accumulators': {} }
  })
  app.get('/jobs/:jobid/exceptions', async (request) => {
    const most = queryInteger(request, 'maxExceptions', 1) ?? mostExceptions
    const labels = (queryList(request, 'failureLabelFilter') ?? []).map((label) => {
      const [key, value] = label.split(':')
      return key === undefined || value === undefined ? refuseQuery('failureLabelFilter', label) : ([key, value] as const)
    })
    return exceptionHistory(await jobOf(gateway, request), most, labels)
  })
  app.get('/jobs/:jobid/execution-result', async (request) => executionResult(await jobOf(gateway, request)))
  app.patch('/jobs/:jobid/clientHeartbeat', async (request, reply) => {
    idOf(request, 'jobid')
    bodyOf(request, 'JobClientHeartbeatRequestBody', { expiredTimestamp: 'integer' })
    reply.code(202)
    return {}
  })
  app.post('/jobs/:jobid/coordinators/:operatorUid', async (request) => {
    await jobOf(gateway, request)
    throw new Refusal(400, 'Operator coordinators are Java objects of Flink; headrace has none to talk to.')
  })

  // These are about the JobManager, whatever the job.
  app.get('/jobs/:jobid/jobmanager/config', async (request) => {
    idOf(request, 'jobid')
    return configEntries((await gateway.config()).options)
  })
  app.get('/jobs/:jobid/jobmanager/environment', async (request) => {
    idOf(request, 'jobid')
    return environmentInfo(await gateway.jobManager())
  })
  app.get('/jobs/:jobid/jobmanager/log-url', async (request) => {
    idOf(request, 'jobid')
    return { url: '/jobmanager/log' }
  })
  app.get('/jobs/:jobid/taskmanagers/:taskmanagerid/log-url', async (request) => {
    idOf(request, 'jobid')
    return { url: `/taskmanagers/${encodeURIComponent((request.params as { taskmanagerid: string }).taskmanagerid)}/log` }
  })

  cancelRoutes(app, context)
}

const cancelRoutes: RouteGroup = (app, { gateway, webCancel }) => {
  app.patch('/jobs/:jobid', async (request, reply) => {
    const mode = queryChoice(request, 'mode', ['cancel', 'stop'])
    if (mode === 'stop') throw stopHasMoved()
    await cancel(gateway, idOf(request, 'jobid'))
    reply.code(202)
    return {}
  })
  app.get('/jobs/:jobid/yarn-cancel', async (request, reply) => {
    if (!webCancel) throw new Refusal(403, 'Jobs are not to be cancelled from the web page here (web.cancel.enable).')
    await cancel(gateway, idOf(request, 'jobid'))
    reply.code(202)
    return {}
  })
  app.get('/jobs/:jobid/yarn-stop', async (request) => {
    idOf(request, 'jobid')
    throw stopHasMoved()
  })
}

const stopHasMoved = (): Refusal =>
  new Refusal(308, 'The termination mode "stop" has been removed. For "stop-with-savepoint" use POST /jobs/:jobid/stop instead.')

async function cancel(gateway: RestContext['gateway'], jobId: string): Promise<void> {
  const job = await findJob(gateway, jobId)
  if (job === undefined) throw new Refusal(404, `Job ${jobId} not found`)
  if (job.state === 'CANCELED') return
  if (hasEnded(job.state)) throw new Refusal(409, `Job ${jobId} cannot be cancelled any more: it is ${job.state}.`)
  await gateway.cancel(jobId)
}

function jobConfig({ jobId, jobGraph: { jobName, config, vertices } }: ArchivedJob): unknown {
  const { type } = restartSettingsOf(config)
  return {
    ...{ jid: jobId, name: jobName },
    'execution-config': {
      'restart-strategy': type,
      'job-parallelism':
        config['parallelism.default'] === undefined
          ? Math.max(1, ...vertices.map((each) => each.parallelism))
          : configValue(config, 'parallelism.default'),
      // Operators of a chain share rows here.
      'object-reuse-mode': true,
      'user-config': Object.fromEntries(configEntries(config).map(({ key, value }) => [key, value])),
    },
  }
}

/** Flink's clients poll it until the key is there. */
function executionResult(job: ArchivedJob): unknown {
  const { jobId, jobGraph, state, timestamps, failure } = job
  const endMs = endedOf(job)
  if (endMs === undefined) return { status: { id: 'IN_PROGRESS' } }
  const startMs = timestamps.INITIALIZING ?? endMs
  const status = { FINISHED: 'SUCCEEDED', CANCELED: 'CANCELED', FAILED: 'FAILED' }[state as 'FINISHED' | 'CANCELED' | 'FAILED']
  return {
    status: { id: 'COMPLETED' },
    'job-execution-result': {
      ...{ id: jobId, 'application-id': jobId, name: jobGraph.jobName, 'application-status': status, 'accumulator-results': {} },
      ...{ 'net-runtime': endMs - startMs, 'start-time': startMs, 'end-time': endMs },
      ...(state === 'FAILED' && failure !== undefined && { 'failure-cause': failureCause(failure) }),
    },
  }
}
