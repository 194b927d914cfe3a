/** The JobManager's process: its configuration, environment, logs and threads. */
import { environmentInfo } from './environment-info.ts'
import { logList, sendLog } from './log-files.ts'
import { configEntries } from './masked-config.ts'
import { pathText } from './request-parameters.ts'
import type { RouteGroup } from './route-groups.ts'
import { profilerRoutes, threadDump } from './thread-routes.ts'

export const jobManagerRoutes: RouteGroup = (app, context) => {
  const { gateway } = context
  app.get('/jobmanager/config', async () => configEntries((await gateway.config()).options))
  app.get('/jobmanager/environment', async () => environmentInfo(await gateway.jobManager()))
  app.get('/jobmanager/logs', async () => logList(gateway, 'jobmanager'))
  app.get('/jobmanager/logs/:filename', async (request, reply) =>
    sendLog(gateway, 'jobmanager', { name: pathText(request, 'filename') }, reply),
  )
  app.get('/jobmanager/log', async (_request, reply) => sendLog(gateway, 'jobmanager', { purpose: 'log' }, reply))
  app.get('/jobmanager/stdout', async (_request, reply) => sendLog(gateway, 'jobmanager', { purpose: 'stdout' }, reply))
  app.get('/jobmanager/thread-dump', async () => threadDump(gateway, 'jobmanager'))
  profilerRoutes(app, '/jobmanager', async () => 'jobmanager')
}
