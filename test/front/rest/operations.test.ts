/** What REST does to jobs, and what it tells of them while they live and when they have ended. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ManualClock } from '../../../src/base/core/clock.ts'
import { AsyncOperations, keptMs } from '../../../src/front/rest/async-operations.ts'
import { generator } from '../../../src/program/connector/generator.ts'
import { endless } from './endless.ts'
import { location } from './job-cluster.ts'
import { eventually, type Rest, startRest } from './rest-client.ts'

let rest: Rest
beforeAll(async () => {
  rest = await startRest()
})
afterAll(() => rest.end())

const running = async (path: string) =>
  eventually(
    () => rest.get(path),
    ({ json }) => json.vertices.every((each: any) => each.status === 'RUNNING'),
  )
const done = (path: string) =>
  eventually(
    () => rest.get(path),
    ({ json }) => json.status.id === 'COMPLETED',
  )
const ended = (path: string, state: string) =>
  eventually(
    () => rest.get(path),
    ({ json }) => json.state === state,
  )

it('tells where and how a job runs, with figures that grow', async () => {
  const { jobId } = await rest.cluster.run(endless)
  await running(`/jobs/${jobId}`)
  const { json: job } = await eventually(
    () => rest.get(`/jobs/${jobId}`),
    ({ json }) => json.vertices[1].metrics['read-records'] > 0,
  )
  expect(job).toMatchObject({ jid: jobId, state: 'RUNNING', 'end-time': -1, 'application-id': jobId })
  expect(job.timestamps).toMatchObject({ FINISHED: 0, SUSPENDED: 0, RECONCILING: 0 })
  expect(job.timestamps.RUNNING).toBeGreaterThan(0)
  expect(job.vertices[0].tasks).toEqual(expect.objectContaining({ RUNNING: 2, FAILED: 0, RECONCILING: 0 }))
  const vertex = `/jobs/${jobId}/vertices/${job.vertices[1].id}`
  const { json: details } = await rest.get(vertex)
  expect(details.subtasks[1]).toMatchObject({
    subtask: 1,
    status: 'RUNNING',
    endpoint: 'worker-1:40123',
    'taskmanager-id': location.taskManagerId,
  })
  const ratios = await eventually(
    () => rest.get(`${vertex}/backpressure`),
    ({ json }) => json.status === 'ok',
  )
  for (const { ratio, idleRatio, busyRatio } of ratios.json.subtasks) expect(ratio + idleRatio + busyRatio).toBeCloseTo(1, 1)
  const names = (await rest.get(`${vertex}/metrics`)).json.map(({ id }: { id: string }) => id)
  expect(names).toEqual(expect.arrayContaining(['0.numRecordsIn', '1.busyTimeMsPerSecond', '1.currentInputWatermark']))
  const { json: values } = await rest.get(`${vertex}/metrics?get=0.numRecordsIn,1.numRecordsIn,7.nothing`)
  expect(values.map(({ id, value }: any) => [id, Number(value) > 0])).toEqual([
    ['0.numRecordsIn', true],
    ['1.numRecordsIn', true],
  ])
  const { json: sums } = await rest.get(`${vertex}/subtasks/metrics?get=numRecordsIn&agg=sum,max`)
  expect(sums).toEqual([{ id: 'numRecordsIn', sum: expect.any(Number), max: expect.any(Number) }])
  expect((await rest.get(`${vertex}/watermarks`)).json[0]).toEqual({ id: '0.currentInputWatermark', value: '-9223372036854775808' })
  expect((await rest.get(`/jobs/${jobId}/execution-result`)).json).toEqual({ status: { id: 'IN_PROGRESS' } })
})

it('takes savepoints, once for each trigger id, and disposes of them', async () => {
  const { jobId } = await rest.cluster.run(endless)
  await running(`/jobs/${jobId}`)
  const triggerId = 'ab'.repeat(16)
  const body = { triggerId, 'target-directory': '/mine', 'cancel-job': false, formatType: 'CANONICAL' }
  expect((await rest.ask('POST', `/jobs/${jobId}/savepoints`, body)).json).toEqual({ 'request-id': triggerId })
  const { location: path } = (await done(`/jobs/${jobId}/savepoints/${triggerId}`)).json.operation
  expect(path).toMatch(/^\/mine\/savepoint-/)
  expect((await rest.ask('POST', `/jobs/${jobId}/savepoints`, body)).status).toBe(202)
  expect((await done(`/jobs/${jobId}/savepoints/${triggerId}`)).json.operation.location).toBe(path)
  const { json: statistics } = await rest.get(`/jobs/${jobId}/checkpoints`)
  expect(statistics.counts).toMatchObject({ total: 1, completed: 1 })
  expect(statistics.latest.savepoint).toMatchObject({ external_path: path, is_savepoint: true, num_acknowledged_subtasks: 4 })
  const dispose = await rest.ask('POST', '/savepoint-disposal', { 'savepoint-path': path })
  expect([dispose.status, (await done(`/savepoint-disposal/${dispose.json['request-id']}`)).json.operation]).toEqual([200, {}])
  expect(await rest.cluster.fileSystem.status(path)).toBeUndefined()
})

it('stops a job with a savepoint, and tells then what it came to', async () => {
  const { jobId } = await rest.cluster.run(endless)
  await running(`/jobs/${jobId}`)
  const { json } = await rest.ask('POST', `/v1/jobs/${jobId}/stop`, { targetDirectory: '/stopped', drain: true })
  expect((await done(`/jobs/${jobId}/savepoints/${json['request-id']}`)).json.operation.location).toMatch(/^\/stopped\//)
  await ended(`/jobs/${jobId}`, 'FINISHED')
  const { 'job-execution-result': result } = (await rest.get(`/jobs/${jobId}/execution-result`)).json
  expect(result).toMatchObject({ id: jobId, 'application-status': 'SUCCEEDED', 'accumulator-results': {} })
  expect(result['net-runtime']).toBe(result['end-time'] - result['start-time'])
  expect((await rest.get(`/jobs/${jobId}/metrics`)).json).toEqual([])
  expect((await rest.ask('PATCH', `/jobs/${jobId}`)).status).toBe(409)
})

it('cancels a job, and again', async () => {
  const { jobId } = await rest.cluster.run(endless)
  for (const [method, path] of [
    ['PATCH', ''],
    ['PATCH', '?mode=cancel'],
    ['GET', '/yarn-cancel'],
  ] as const) {
    const { status, json } = await rest.ask(method, `/jobs/${jobId}${path}`)
    expect([status, json]).toEqual([202, {}])
    await ended(`/jobs/${jobId}`, 'CANCELED')
  }
  const { json } = await rest.get(`/jobs/${jobId}/execution-result`)
  expect(json['job-execution-result']['application-status']).toBe('CANCELED')
})

it('tells why a job failed, with every attempt before it', async () => {
  const job = await rest.cluster.run(
    (env) => {
      env.fromSequence(1, 10).map(
        () => {
          throw new Error('no such number')
        },
        { name: 'thrower' },
      )
    },
    { 'restart-strategy.type': 'fixed-delay', 'restart-strategy.fixed-delay.attempts': 2, 'restart-strategy.fixed-delay.delay': 1 },
  )
  await expect(job.result).rejects.toThrow('no such number')
  const { json } = await rest.get(`/jobs/${job.jobId}/exceptions`)
  expect(json.exceptionHistory.entries.length).toBe(3)
  expect(json.exceptionHistory.entries[0]).toMatchObject({
    ...{ exceptionName: 'headrace.StreamError.USER_FUNCTION_FAILED', taskManagerId: location.taskManagerId, concurrentExceptions: [] },
    failureLabels: { domain: 'user', code: 'USER_FUNCTION_FAILED' },
  })
  expect(json.exceptionHistory.entries[0].taskName).toMatch(/thrower.*\(1\/1\)$/)
  const { json: one } = await rest.get(`/jobs/${job.jobId}/exceptions?maxExceptions=1&failureLabelFilter=domain:user`)
  expect([one.exceptionHistory.entries.length, one.exceptionHistory.truncated]).toEqual([1, true])
  const vertex = job.archive().jobGraph.vertices[0]!.vertexId
  const attempts = await Promise.all(
    [0, 1, 2].map((attempt) => rest.get(`/jobs/${job.jobId}/vertices/${vertex}/subtasks/0/attempts/${attempt}`)),
  )
  expect(attempts.map(({ json: attempt }) => [attempt.attempt, attempt.status])).toEqual([0, 1, 2].map((attempt) => [attempt, 'FAILED']))
  expect((await rest.get(`/jobs/${job.jobId}/vertices/${vertex}/subtasks/0/attempts/3`)).status).toBe(404)
  const { 'job-execution-result': result } = (await rest.get(`/jobs/${job.jobId}/execution-result`)).json
  expect(result['failure-cause']['stack-trace']).toMatch(/^headrace.StreamError.USER_FUNCTION_FAILED: .*no such number/s)
  expect(Buffer.from(result['failure-cause']['serialized-throwable'], 'base64').subarray(0, 4).toString('hex')).toBe('aced0005')
})

it('tells from which checkpoint a job went on after a failure', async () => {
  let fails = false
  const job = await rest.cluster.run(
    (env) => {
      const numbers = generator((i) => i, { count: Number.POSITIVE_INFINITY, ratePerSecond: 500 })
      env.fromSource(numbers, { uid: 'numbers' }).map((i) => {
        if (!fails) return i
        fails = false
        throw new Error('once')
      })
    },
    {
      'restart-strategy.type': 'fixed-delay',
      'restart-strategy.fixed-delay.delay': 1,
      'execution.checkpointing.savepoint-dir': '/savepoints',
    },
  )
  await running(`/jobs/${job.jobId}`)
  await job.triggerCheckpoint()
  fails = true
  const { json } = await eventually(
    () => rest.get(`/jobs/${job.jobId}/checkpoints`),
    (answer) => answer.json.counts.restored === 1,
  )
  expect(json.latest.restored).toMatchObject({ id: 1, is_savepoint: false, external_path: json.latest.completed.external_path })
  const { json: details } = await rest.get(`/jobs/${job.jobId}/checkpoints/details/1`)
  expect(details).toMatchObject({ status: 'COMPLETED', num_acknowledged_subtasks: 1, num_subtasks: 1 })
  expect(Number((await rest.get(`/jobs/${job.jobId}/metrics?get=numRestarts`)).json[0].value)).toBe(1)
})

it('says of a savepoint without a folder that it failed', async () => {
  const { jobId } = await rest.cluster.run(endless, { 'execution.checkpointing.savepoint-dir': null })
  await rest.cluster.cancel(jobId)
  const { json } = await rest.ask('POST', `/jobs/${jobId}/savepoints`, {})
  const { operation } = (await done(`/jobs/${jobId}/savepoints/${json['request-id']}`)).json
  expect(Object.keys(operation)).toEqual(['failure-cause'])
})

it('masks secrets, and shows logs as text', async () => {
  expect((await rest.get('/jobmanager/config')).json).toEqual([
    { key: 'rest.port', value: '0' },
    { key: 's3.access-key', value: '******' },
    { key: 's3.secret-key', value: '******' },
  ])
  const tm = `/taskmanagers/${encodeURIComponent(location.taskManagerId)}`
  for (const path of ['/jobmanager/stdout', '/jobmanager/logs/headrace.out', `${tm}/stdout`, `${tm}/logs/headrace.out`]) {
    const { headers, text } = await rest.get(path)
    expect(text).toBe('<script>alert(1)</script>')
    expect([headers.get('content-type'), headers.get('content-length')]).toEqual(['text/plain; charset=UTF-8', '25'])
    expect(headers.get('access-control-allow-origin')).toBeNull()
  }
  for (const name of ['nothing.log', '..%2f..%2fetc%2fpasswd', '%2e%2e'])
    expect((await rest.get(`/jobmanager/logs/${name}`)).status).toBe(404)
})

it('ends the cluster', async () => {
  expect((await rest.ask('DELETE', '/cluster')).json).toEqual({})
  expect(rest.cluster.isShutDown).toBe(true)
})

it('forgets what was triggered five minutes after its end', async () => {
  const clock = new ManualClock()
  const operations = new AsyncOperations(clock)
  const key = { kind: 'savepoint', about: 'job', triggerId: '1' }
  let finish!: () => void
  operations.trigger(key, () => new Promise((resolve) => void (finish = () => resolve({}))))
  clock.advance(10 * keptMs)
  expect(operations.status(key)).toEqual({ status: { id: 'IN_PROGRESS' }, operation: null })
  finish()
  await Promise.resolve().then(() => undefined)
  clock.advance(keptMs - 1)
  expect(operations.status(key)).toEqual({ status: { id: 'COMPLETED' }, operation: {} })
  clock.advance(1)
  expect(() => operations.status(key)).toThrow('ended more than five minutes ago')
})
