/** Looks up what a request's path names; what is not there is a 404 in Flink's words. */
import type { FastifyRequest } from 'fastify'
import { StreamError } from '../../base/core/stream-error.ts'
import type { DispatcherGateway } from '../../cluster/rpc/dispatcher-gateway.ts'
import type { ArchivedJob, ArchivedSubtask } from '../../cluster/rpc/job-archive.ts'
import { jobNotFound, Refusal } from './refusal.ts'
import { idOf, numberOf } from './request-parameters.ts'

export async function jobOf(gateway: DispatcherGateway, request: FastifyRequest): Promise<ArchivedJob> {
  const jobId = idOf(request, 'jobid')
  return (await findJob(gateway, jobId)) ?? refuse(jobNotFound(jobId))
}

/** Undefined: the Dispatcher does not know it. */
export async function findJob(gateway: DispatcherGateway, jobId: string): Promise<ArchivedJob | undefined> {
  try {
    return await gateway.job(jobId)
  } catch (thrown) {
    if (thrown instanceof StreamError && thrown.code === 'JOB_NOT_FOUND') return undefined
    throw thrown
  }
}

export interface FoundVertex {
  readonly job: ArchivedJob
  /** Position in the plan. */
  readonly vertex: number
}

export async function vertexOf(gateway: DispatcherGateway, request: FastifyRequest): Promise<FoundVertex> {
  const vertexId = idOf(request, 'vertexid')
  const job = await jobOf(gateway, request)
  const vertex = vertexIn(job, vertexId)
  if (vertex === undefined) throw new Refusal(404, `JobVertex ${vertexId} not found`)
  return { job, vertex }
}

export function vertexIn({ jobGraph }: ArchivedJob, vertexId: string): number | undefined {
  const found = jobGraph.vertices.findIndex((vertex) => vertex.vertexId === vertexId)
  return found === -1 ? undefined : found
}

export async function subtaskOf(
  gateway: DispatcherGateway,
  request: FastifyRequest,
): Promise<FoundVertex & { readonly found: ArchivedSubtask }> {
  const index = numberOf(request, 'subtaskindex')
  const { job, vertex } = await vertexOf(gateway, request)
  const found = job.vertices[vertex]![index]
  if (found === undefined) throw new Refusal(404, `Invalid subtask index for vertex ${job.jobGraph.vertices[vertex]!.vertexId}`)
  return { job, vertex, found }
}

function refuse(refusal: Refusal): never {
  throw refusal
}
