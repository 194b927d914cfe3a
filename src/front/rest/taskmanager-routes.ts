/** TaskManagers: what they are, what they hold, their logs and threads. Their ids are `host:port-suffix`. */
import type { FastifyRequest } from 'fastify'
import type { ProcessName, TaskManagerOverview } from '../../cluster/rpc/dispatcher-gateway.ts'
import { logList, sendLog } from './log-files.ts'
import { Refusal } from './refusal.ts'
import { pathText } from './request-parameters.ts'
import type { RestContext } from './rest-context.ts'
import type { RouteGroup } from './route-groups.ts'
import { taskManagerDetails, taskManagerLine } from './taskmanager-info.ts'
import { profilerRoutes, threadDump } from './thread-routes.ts'

const ofOne = '/taskmanagers/:taskmanagerid'

export const taskManagerRoutes: RouteGroup = (app, context) => {
  const { gateway } = context
  const found = async (request: FastifyRequest): Promise<ProcessName> => ({
    taskManagerId: (await taskManagerOf(context, request)).taskManagerId,
  })

  app.get('/taskmanagers', async () => {
    const [taskManagers, { options }] = await Promise.all([gateway.taskManagers(), gateway.config()])
    return { taskmanagers: taskManagers.map((each) => taskManagerLine(each, options)) }
  })
  app.get(ofOne, async (request) => {
    const [taskManager, { options }] = await Promise.all([taskManagerOf(context, request), gateway.config()])
    return taskManagerDetails(taskManager, options)
  })
  app.get(`${ofOne}/logs`, async (request) => logList(gateway, await found(request)))
  app.get(`${ofOne}/logs/:filename`, async (request, reply) =>
    sendLog(gateway, await found(request), { name: pathText(request, 'filename') }, reply),
  )
  app.get(`${ofOne}/log`, async (request, reply) => sendLog(gateway, await found(request), { purpose: 'log' }, reply))
  app.get(`${ofOne}/stdout`, async (request, reply) => sendLog(gateway, await found(request), { purpose: 'stdout' }, reply))
  app.get(`${ofOne}/thread-dump`, async (request) => threadDump(gateway, await found(request)))
  profilerRoutes(app, ofOne, found)
}

async function taskManagerOf({ gateway }: RestContext, request: FastifyRequest): Promise<TaskManagerOverview> {
  const id = pathText(request, 'taskmanagerid')
  const found = (await gateway.taskManagers()).find(({ taskManagerId }) => taskManagerId === id)
  if (found === undefined) throw new Refusal(404, `TaskManager ${id} not found`)
  return found
}
