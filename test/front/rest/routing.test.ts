/** Paths, statuses and errors as a real Flink 2.3 has them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { endless } from './endless.ts'
import { type Rest, rawRequest, startRest } from './rest-client.ts'

const nobody = 'f'.repeat(32)
let rest: Rest
let jobId: string

beforeAll(async () => {
  rest = await startRest()
  jobId = (await rest.cluster.run(endless)).jobId
})
afterAll(() => rest.end())

const refusal = async (method: string, path: string, body?: unknown) => {
  const { status, json } = await rest.ask(method, path, body)
  expect(Object.keys(json)).toEqual(['errors'])
  return [status, json.errors[0]]
}

describe('paths', () => {
  it('are the same with and without /v1, and with a slash at their end', async () => {
    for (const path of ['/jobs', '/v1/jobs', '/v1/jobs/', '/jobs/']) expect((await rest.get(path)).json.jobs[0].id).toBe(jobId)
  })

  it('take ids in upper case, and queries that nobody knows', async () => {
    expect((await rest.get(`/jobs/${jobId.toUpperCase()}/status?verbose=very`)).json.status).toMatch(/RUNNING|CREATED/)
  })

  it('that lead nowhere are files that cannot be loaded', async () => {
    for (const path of ['/v1/nope', '/v2/jobs', '/v1//jobs', '/jars/upload', '/../../etc/passwd'])
      expect(await refusal('GET', path)).toEqual([
        404,
        `Unable to load requested file ${path === '/../../etc/passwd' ? '/etc/passwd' : path}.`,
      ])
  })

  it('under another method are not found, and never 405', async () => {
    for (const method of ['PUT', 'DELETE', 'OPTIONS'])
      expect(await refusal(method, '/v1/overview')).toEqual([404, 'Not found: /v1/overview'])
    expect((await rest.ask('HEAD', '/v1/overview')).status).toBe(404)
  })

  it('that hold no id are told what could not be read', async () => {
    const unreadable = (what: string) => [400, `Bad request, could not parse parameters: Cannot resolve ${what}.`]
    expect(await refusal('GET', '/v1/jobs/zz')).toEqual(unreadable('path parameter (jobid) from value "zz"'))
    expect(await refusal('GET', `/jobs/${jobId}/vertices/1`)).toEqual(unreadable('path parameter (vertexid) from value "1"'))
    expect(await refusal('GET', `/jobs/${jobId}/checkpoints/details/-1`)).toEqual(
      unreadable('path parameter (checkpointid) from value "-1"'),
    )
    expect(await refusal('PATCH', `/jobs/${jobId}?mode=kill`)).toEqual(unreadable('query parameter (mode) from value "kill"'))
    expect(await refusal('GET', `/jobs/${jobId}/exceptions?maxExceptions=many`)).toEqual(
      unreadable('query parameter (maxExceptions) from value "many"'),
    )
  })
})

describe('bodies', () => {
  it('that are no JSON, of another type or with another word are refused by the name of the format', async () => {
    const unfit = (format: string) => [400, `Request did not match expected format ${format}.`]
    for (const body of ['{"cancel-job": ', '[]', '7', 'null', '{"cancel-job": "perhaps"}', '{"formatType": "ZIP"}', '{"triggerId": "zz"}'])
      expect(await refusal('POST', `/jobs/${jobId}/savepoints`, body)).toEqual(unfit('SavepointTriggerRequestBody'))
    expect(await refusal('POST', `/jobs/${jobId}/stop`, { drain: 3 })).toEqual(unfit('StopWithSavepointRequestBody'))
    expect(await refusal('PUT', `/jobs/${jobId}/resource-requirements`, { zz: 1 })).toEqual(unfit('JobResourceRequirementsBody'))
  })

  it('may be missing, of any content type, and hold what nobody knows', async () => {
    const path = `/jobs/${nobody}/savepoints`
    expect((await rest.ask('POST', path)).status).toBe(202)
    expect((await rest.ask('POST', path, '{"one": {"two": 3}}', { 'content-type': 'application/x-www-form-urlencoded' })).status).toBe(202)
  })
})

describe('a job that is not there', () => {
  it('is a 404 by its name', async () => {
    for (const path of ['', '/config', '/plan', '/checkpoints', '/exceptions', '/accumulators', '/status', `/vertices/${nobody}`])
      expect(await refusal('GET', `/jobs/${nobody}${path}`)).toEqual([404, `Job ${nobody} not found`])
    expect(await refusal('PATCH', `/jobs/${nobody}`)).toEqual([404, `Job ${nobody} not found`])
  })

  it('has no metrics, and tells of the JobManager all the same', async () => {
    expect((await rest.get(`/jobs/${nobody}/metrics`)).json).toEqual([])
    expect((await rest.get(`/jobs/${nobody}/vertices/${nobody}/metrics`)).json).toEqual([])
    expect((await rest.get(`/jobs/${nobody}/jobmanager/environment`)).status).toBe(200)
    expect((await rest.get(`/jobs/${nobody}/jobmanager/log-url`)).json).toEqual({ url: '/jobmanager/log' })
  })

  it('fails what is triggered for it when it is asked about', async () => {
    for (const what of ['savepoints', 'checkpoints']) {
      const { status, json } = await rest.ask('POST', `/jobs/${nobody}/${what}`, {})
      expect(status).toBe(202)
      const { json: done } = await rest.get(`/jobs/${nobody}/${what}/${json['request-id']}`)
      expect(done.status).toEqual({ id: 'COMPLETED' })
      expect(done.operation[what === 'savepoints' ? 'failure-cause' : 'failureCause'].class).toBe('headrace.StreamError.JOB_NOT_FOUND')
    }
  })
})

describe('what Flink has given up', () => {
  it('is answered as Flink answers', async () => {
    expect((await refusal('GET', `/jobs/${jobId}/yarn-stop`))[0]).toBe(308)
    expect((await refusal('PATCH', `/jobs/${jobId}?mode=stop`))[0]).toBe(308)
    expect((await refusal('PATCH', `/jobs/${jobId}/rescaling?parallelism=2`))[0]).toBe(503)
  })

  it('and Java is refused with the reason', async () => {
    expect((await refusal('POST', '/jobs', {}))[1]).toMatch(/no JVM.*headrace submit/s)
    expect((await refusal('POST', `/jobs/${jobId}/coordinators/abc`, {}))[0]).toBe(400)
  })
})

describe('pages of other sites', () => {
  const at = (headers: Record<string, string>, method = 'DELETE', path = `/datasets/${nobody}`) =>
    rawRequest(rest.server, method, path, headers)
  const own = () => `127.0.0.1:${rest.server.port}`

  it('may change nothing', async () => {
    expect((await at({ host: own(), origin: 'https://evil.example' })).status).toBe(403)
    expect((await at({ host: own(), 'sec-fetch-site': 'cross-site' })).status).toBe(403)
    expect((await at({ host: own(), origin: 'null' })).status).toBe(403)
    expect((await at({ host: own(), origin: 'https://evil.example' }, 'GET', `/jobs/${jobId}/yarn-cancel`)).status).toBe(403)
    expect((await at({ host: own(), origin: 'https://evil.example' }, 'GET', `/v1/jobs/${jobId}/yarn-cancel/`)).status).toBe(403)
  })

  it('may not read under a name of their own', async () => {
    const { status, text } = await at({ host: 'rebound.example' }, 'GET', '/jobs')
    expect([status, text]).toEqual([403, expect.stringContaining('not called')])
  })

  it('are others: the own page and every other client go on', async () => {
    expect((await at({ host: own(), origin: `http://${own()}` })).status).toBe(202)
    expect((await at({ host: 'localhost:1' })).status).toBe(202)
    expect((await at({ host: '[::1]:8081', origin: 'http://[::1]:8081', 'sec-fetch-site': 'same-origin' })).status).toBe(202)
    expect((await at({ host: own(), origin: 'https://evil.example' }, 'GET', '/overview')).status).toBe(200)
  })
})
