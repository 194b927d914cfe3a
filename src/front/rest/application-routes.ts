/**
 * Applications: the jobs of one main. Here each job is an application of its own, under the job's id, as Flink has it for jobs that were
 * submitted singly. The dashboard's first page lists these, not jobs.
 */
import type { JobOverview } from '../../cluster/rpc/dispatcher-gateway.ts'
import { failuresOf } from './exception-info.ts'
import { findJob } from './find-job.ts'
import { jobDetailsLine } from './job-info.ts'
import { configEntries } from './masked-config.ts'
import { Refusal } from './refusal.ts'
import { idOf } from './request-parameters.ts'
import type { RestContext } from './rest-context.ts'
import type { RouteGroup } from './route-groups.ts'
import { schedulerTypeOf } from './scheduler-type.ts'
import { spanOf } from './states-of.ts'

const applicationStates = ['CREATED', 'RUNNING', 'FAILING', 'FAILED', 'CANCELING', 'CANCELED', 'FINISHED'] as const
type ApplicationState = (typeof applicationStates)[number]

export const applicationRoutes: RouteGroup = (app, context) => {
  const { gateway, clock } = context

  app.get('/applications/overview', async () => {
    const jobs = await gateway.jobs()
    return { applications: jobs.map((job) => ({ ...lineOf(job, clock.now()), jobs: { [job.state]: 1 } })) }
  })

  app.get('/applications/:applicationid', async (request) => {
    const job = await applicationOf(context, idOf(request, 'applicationid'))
    const state = stateOf(job)
    const timestamps: Record<string, number> = Object.fromEntries(applicationStates.map((each) => [each, 0]))
    Object.assign(timestamps, { CREATED: job.startedMs }, state === 'RUNNING' ? { RUNNING: job.startedMs } : { [state]: job.changedMs })
    return { ...lineOf(job, clock.now()), timestamps, jobs: [jobDetailsLine(job, schedulerTypeOf(gateway), clock.now())] }
  })

  app.post('/applications/:applicationid/cancel', async (request, reply) => {
    const { jobId } = await applicationOf(context, idOf(request, 'applicationid'))
    await gateway.cancel(jobId)
    reply.code(202)
    return {}
  })

  app.get('/applications/:applicationid/exceptions', async (request) => {
    const applicationId = idOf(request, 'applicationid')
    await applicationOf(context, applicationId)
    const job = await findJob(gateway, applicationId)
    const entries = failuresOf(job).map(({ exceptionName, stacktrace, timestamp }) => ({
      exceptionName,
      stacktrace,
      timestamp,
      jobId: applicationId,
    }))
    return { exceptionHistory: { entries } }
  })

  app.get('/applications/:applicationid/jobmanager/config', async (request) => {
    await applicationOf(context, idOf(request, 'applicationid'))
    return configEntries((await gateway.config()).options)
  })
}

async function applicationOf({ gateway }: RestContext, id: string): Promise<JobOverview> {
  const job = (await gateway.jobs()).find(({ jobId }) => jobId === id)
  if (job === undefined) throw new Refusal(404, `Application ${id} not found`)
  return job
}

function lineOf(job: JobOverview, nowMs: number) {
  return { id: job.jobId, name: `SingleJobApplication(${job.jobName})`, ...spanOf(job.startedMs, job.endedMs, nowMs), status: stateOf(job) }
}

function stateOf({ state }: JobOverview): ApplicationState {
  if (state === 'CANCELLING') return 'CANCELING'
  if (state === 'INITIALIZING') return 'CREATED'
  return (applicationStates as readonly string[]).includes(state) ? (state as ApplicationState) : 'RUNNING'
}
