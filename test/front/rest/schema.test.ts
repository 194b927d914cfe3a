/** Every operation that Flink describes answers as described, over real jobs. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JobMaster } from '../../../src/cluster/jobmanager/job-master.ts'
import { endless } from './endless.ts'
import { location } from './job-cluster.ts'
import { eventually, fileForm, type Rest, startRest } from './rest-client.ts'
import { answerSchema, operations, violations } from './schema-violations.ts'

let rest: Rest
let job: JobMaster
let ids: Record<string, string>
let program: string

beforeAll(async () => {
  rest = await startRest()
  job = await rest.cluster.run(endless)
  await eventually(
    async () => job.archive(),
    ({ vertices }) =>
      vertices.every((subtasks) => subtasks.every(({ current }) => current.state === 'RUNNING' && current.rates !== undefined)),
  )
  await job.triggerCheckpoint()
  await job.triggerSavepoint()
  const failed = await rest.cluster.run((env) => {
    env.fromSequence(1, 10).map(() => {
      throw new Error('no such number')
    })
  })
  await failed.result.catch(() => undefined)
  const uploaded = await rest.ask(
    'POST',
    '/jars/upload',
    fileForm('endless.jar', 'export default (env) => { env.fromSequence(1, 10).print() }'),
  )
  program = uploaded.json.filename.split('/').at(-1)
  const trigger = async (path: string) => (await rest.ask('POST', path, {})).json['request-id']
  ids = {
    ...{
      jobid: job.jobId,
      applicationid: job.jobId,
      vertexid: job.archive().jobGraph.vertices[1]!.vertexId,
      subtaskindex: '1',
      attempt: '0',
    },
    ...{ checkpointid: '1', datasetid: 'f'.repeat(32), taskmanagerid: encodeURIComponent(location.taskManagerId), jarid: program },
    savepoint: await trigger(`/jobs/${job.jobId}/savepoints`),
    checkpoint: await trigger(`/jobs/${job.jobId}/checkpoints`),
    disposal: (await rest.ask('POST', '/savepoint-disposal', { 'savepoint-path': '/nowhere' })).json['request-id'],
    dataset: (await rest.ask('DELETE', `/datasets/${'f'.repeat(32)}`)).json['request-id'],
  }
})

afterAll(() => rest.end())

/** Not to be asked here: it would end what the others ask about, or it never answers as described. */
const elsewhere: Readonly<Record<string, string>> = {
  'DELETE /cluster': 'a test of its own',
  'DELETE /jars/{jarid}': 'a test of its own',
  'PATCH /jobs/{jobid}': 'a test of its own',
  'POST /applications/{applicationid}/cancel': 'a test of its own',
  'POST /jobs/{jobid}/stop': 'a test of its own',
  'POST /jars/upload': 'asked before all',
  'PATCH /jobs/{jobid}/rescaling': 'always 503, as in Flink',
  'GET /jobs/{jobid}/rescaling/{triggerid}': 'always 503, as in Flink',
  'PUT /jobs/{jobid}/resource-requirements': 'the cluster cannot rescale',
  'GET /jobs/{jobid}/rescales/config': '404, as in Flink where the scheduler cannot rescale',
  'GET /jobs/{jobid}/rescales/history': '404, as in Flink where the scheduler cannot rescale',
  'GET /jobs/{jobid}/rescales/overview': '404, as in Flink where the scheduler cannot rescale',
  'GET /jobs/{jobid}/rescales/summary': '404, as in Flink where the scheduler cannot rescale',
  'GET /jobs/{jobid}/rescales/details/{rescaleuuid}': '404, as in Flink where the scheduler cannot rescale',
}

const bodies: Readonly<Record<string, unknown>> = {
  'POST /jars/{jarid}/run': { parallelism: 1 },
  'POST /savepoint-disposal': { 'savepoint-path': '/nowhere' },
  'PATCH /jobs/{jobid}/clientHeartbeat': { expiredTimestamp: 1 },
}

const statuses: Readonly<Record<string, number>> = {
  ...{ 'POST /jobs/{jobid}/checkpoints': 202, 'POST /jobs/{jobid}/savepoints': 202, 'PATCH /jobs/{jobid}/clientHeartbeat': 202 },
  ...{ 'POST /jars/{jarid}/run-application': 202, 'DELETE /datasets/{datasetid}': 202 },
}

const triggerKind = (path: string): string =>
  path.includes('savepoints')
    ? 'savepoint'
    : path.includes('checkpoints')
      ? 'checkpoint'
      : path.includes('datasets')
        ? 'dataset'
        : 'disposal'

describe('every operation that Flink describes', () => {
  for (const { method, path } of operations) {
    const name = `${method} ${path}`
    if (elsewhere[name] !== undefined) continue
    it(`${name} answers as described`, async () => {
      const filled = path.replace(/\{(\w+)\}/g, (_, parameter) => ids[parameter === 'triggerid' ? triggerKind(path) : parameter]!)
      const answer = await rest.ask(method, `/v1${filled}`, method === 'GET' ? undefined : (bodies[name] ?? {}))
      expect([answer.status, answer.text]).toEqual([statuses[name] ?? 200, answer.text])
      expect(answer.headers.get('content-type')).toBe('application/json; charset=UTF-8')
      expect(answer.headers.get('access-control-allow-origin')).toBe('*')
      const schema = answerSchema(method, path, answer.status)
      if (schema !== undefined) expect(violations(answer.json, schema)).toEqual([])
    })
  }

  it('is one of those asked here, or is asked elsewhere', () => {
    expect(operations.length).toBe(80)
    expect(operations.filter(({ method, path }) => elsewhere[`${method} ${path}`] !== undefined).length).toBe(Object.keys(elsewhere).length)
  })
})
