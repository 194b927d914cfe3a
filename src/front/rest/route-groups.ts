/** Every group of endpoints. */
import type { FastifyInstance } from 'fastify'
import { applicationRoutes } from './application-routes.ts'
import { checkpointRoutes } from './checkpoint-routes.ts'
import { clusterRoutes } from './cluster-routes.ts'
import { dataSetRoutes } from './data-set-routes.ts'
import { jarRoutes } from './jar-routes.ts'
import { jobRoutes } from './job-routes.ts'
import { jobManagerRoutes } from './jobmanager-routes.ts'
import { metricRoutes } from './metric-routes.ts'
import { operationRoutes } from './operation-routes.ts'
import { rescaleRoutes } from './rescale-routes.ts'
import type { RestContext } from './rest-context.ts'
import { taskManagerRoutes } from './taskmanager-routes.ts'
import { vertexRoutes } from './vertex-routes.ts'

export type RouteGroup = (app: FastifyInstance, context: RestContext) => void

export const routeGroups: readonly RouteGroup[] = [
  ...[clusterRoutes, applicationRoutes, jobRoutes, vertexRoutes, checkpointRoutes, operationRoutes],
  ...[metricRoutes, rescaleRoutes, jarRoutes, jobManagerRoutes, taskManagerRoutes, dataSetRoutes],
]
