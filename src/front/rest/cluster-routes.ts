/** The cluster as a whole: what it is, how many slots and jobs it has, its end. */
import type { TaskManagerOverview } from '../../cluster/rpc/dispatcher-gateway.ts'
import type { JobState } from '../../cluster/rpc/job-archive.ts'
import type { RouteGroup } from './route-groups.ts'

export const clusterRoutes: RouteGroup = (app, { gateway, webSubmit, webCancel, webRescale, refreshIntervalMs, clock }) => {
  app.get('/overview', async () => {
    const [taskManagers, jobs, { version, commit }] = await Promise.all([gateway.taskManagers(), gateway.jobs(), gateway.config()])
    const suspected = taskManagers.filter((each) => each.suspected)
    const count = (...states: readonly JobState[]) => jobs.filter(({ state }) => states.includes(state)).length
    return {
      ...{ taskmanagers: taskManagers.length, 'taskmanagers-blocked': suspected.length },
      'slots-total': slotsOf(taskManagers),
      'slots-available': freeSlotsOf(taskManagers),
      'slots-free-and-blocked': freeSlotsOf(suspected),
      'jobs-running': jobs.length - count('FINISHED', 'CANCELED', 'FAILED', 'SUSPENDED'),
      ...{ 'jobs-finished': count('FINISHED'), 'jobs-cancelled': count('CANCELED'), 'jobs-failed': count('FAILED') },
      ...{ 'flink-version': version, 'flink-commit': commit ?? 'unknown' },
    }
  })

  app.get('/config', async () => {
    const { version, commit } = await gateway.config()
    const now = new Date(clock.now())
    return {
      'refresh-interval': refreshIntervalMs,
      'timezone-name': Intl.DateTimeFormat().resolvedOptions().timeZone,
      'timezone-offset': -now.getTimezoneOffset() * 60_000,
      ...{ 'flink-version': version, 'flink-revision': commit ?? 'unknown' },
      features: {
        ...{ 'web-submit': webSubmit, 'web-cancel': webCancel, 'web-history': false },
        'web-rescale': webRescale && gateway.rescale !== undefined,
      },
    }
  })

  app.delete('/cluster', async () => {
    await gateway.shutDown()
    return {}
  })
}

export const slotsOf = (taskManagers: readonly TaskManagerOverview[]): number =>
  taskManagers.reduce((sum, { slots }) => sum + slots.length, 0)

export const freeSlotsOf = (taskManagers: readonly TaskManagerOverview[]): number =>
  taskManagers.reduce((sum, { slots }) => sum + slots.filter(({ allocation }) => allocation === undefined).length, 0)
