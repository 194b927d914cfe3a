/** Whatever is sent to any endpoint: a clear error or an answer, and the server goes on. */
import { connect } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { endless } from './endless.ts'
import { type Rest, rawRequest, startRest } from './rest-client.ts'
import { operations } from './schema-violations.ts'

let rest: Rest
let ids: Record<string, string>

beforeAll(async () => {
  rest = await startRest()
  const job = await rest.cluster.run(endless)
  const [vertex] = job.archive().jobGraph.vertices
  ids = { jobid: job.jobId, applicationid: job.jobId, vertexid: vertex!.vertexId, subtaskindex: '0', attempt: '0', checkpointid: '1' }
})
afterAll(() => rest.end())

const undocumented = [
  ...[
    'GET /jars/{jarid}/plan',
    'GET /jobmanager/log',
    'GET /jobmanager/logs/{filename}',
    'GET /jobmanager/profiler',
    'POST /jobmanager/profiler',
  ],
  ...['GET /jobmanager/profiler/{filename}', 'GET /jobmanager/stdout', 'POST /jobs', 'POST /jobs/{jobid}/coordinators/{operatorUid}'],
  ...['GET /jobs/{jobid}/yarn-cancel', 'GET /jobs/{jobid}/yarn-stop', 'GET /taskmanagers/{taskmanagerid}/log'],
  ...[
    'GET /taskmanagers/{taskmanagerid}/logs/{filename}',
    'GET /taskmanagers/{taskmanagerid}/profiler',
    'POST /taskmanagers/{taskmanagerid}/profiler',
  ],
  ...['GET /taskmanagers/{taskmanagerid}/profiler/{filename}', 'GET /taskmanagers/{taskmanagerid}/stdout'],
].map((text) => ({ method: text.split(' ')[0]!, path: text.split(' ')[1]! }))

const endpoints = [...operations, ...undocumented]
/** What would end what the others are about. */
const isHarmless = ({ method, path }: { method: string; path: string }): boolean =>
  !/\/cluster$|yarn-cancel|\/cancel$|\/stop$/.test(path) && !(method === 'PATCH' && path === '/jobs/{jobid}')

const word = fc.oneof(
  fc.constantFrom(
    '..',
    '../..',
    '..%2f..%2fetc%2fpasswd',
    '%00',
    '%2e%2e/',
    "';%20drop",
    '<script>',
    '0',
    '-1',
    '1e9',
    '99999999999999999999',
    'NaN',
    '__proto__',
    'constructor',
  ),
  fc.stringMatching(/^[0-9a-fA-F]{1,40}$/),
  fc.string({ unit: 'grapheme', maxLength: 40 }).map(encodeURIComponent),
)
const body = fc.oneof(
  fc.constantFrom(
    '',
    '{',
    '[]',
    'null',
    '"a"',
    '0',
    '{"__proto__": {"a": 1}}',
    '{"triggerId": {}}',
    '{"parallelism": 1e400}',
    '['.repeat(20_000),
  ),
  fc.json({ maxDepth: 3 }),
  fc.string({ unit: 'binary', maxLength: 60 }),
)

describe('every endpoint', () => {
  for (const { method, path } of endpoints.filter(isHarmless)) {
    it(`${method} ${path} answers whatever it is sent`, async () => {
      await fc.assert(
        fc.asyncProperty(word, word, body, fc.boolean(), async (first, second, sent, real) => {
          const words = [first, second]
          const filled = path.replace(/\{(\w+)\}/g, (_, name) => (real && ids[name]) || words.shift() || 'x')
          const raw = await rawRequest(
            rest.server,
            method,
            `${filled}?get=${first}&agg=${second}&mode=${second}`,
            {
              ...{ 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(sent)) },
            },
            sent,
          )
          expect(raw.status).toBeGreaterThanOrEqual(200)
          expect([raw.status, raw.text]).not.toEqual([500, raw.text])
          if (raw.status >= 400) expect(Object.keys(JSON.parse(raw.text))).toEqual(['errors'])
        }),
        { numRuns: 20, endOnFailure: true },
      )
    })
  }

  it('and the cluster is as it was', async () => {
    expect((await rest.get('/jobs')).json.jobs).toContainEqual({ id: ids.jobid, status: 'RUNNING' })
    expect(({} as Record<string, unknown>).a).toBeUndefined()
  })
})

describe('the server', () => {
  const stillServes = async () => expect((await rest.get('/overview')).status).toBe(200)

  it('refuses bodies that are too large', async () => {
    const { status, json } = await rest.ask('POST', `/jobs/${ids.jobid}/savepoints`, `{"a": "${'x'.repeat(2_000_000)}"}`)
    expect([status, Object.keys(json)]).toEqual([413, ['errors']])
    await stillServes()
  })

  it('lives on when what it is sent is no HTTP, or ends in the middle', async () => {
    for (const bytes of [
      '\0\0\0',
      'GET\r\n\r\n',
      'POST /jars/upload HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\nabc',
      'GET /overview HTTP/9.9\r\n\r\n',
    ]) {
      await new Promise<void>((resolve) => {
        const socket = connect(rest.server.port, '127.0.0.1', () => socket.end(bytes))
        socket
          .resume()
          .on('close', () => resolve())
          .on('error', () => undefined)
      })
    }
    const cutOff = await rawRequest(
      rest.server,
      'POST',
      '/jars/upload',
      { 'content-type': 'multipart/form-data; boundary=x' },
      '--x\r\ncontent-dis',
    )
    expect(cutOff.status).toBe(400)
    const noBoundary = await rawRequest(rest.server, 'POST', '/jars/upload', { 'content-type': 'multipart/form-data' }, 'abc')
    expect(noBoundary.status).toBe(400)
    await stillServes()
  })

  it('takes a query that names all metrics of a wide vertex', async () => {
    const names = Array.from({ length: 600 }, (_, i) => `${i}.numRecordsIn`).join(',')
    expect((await rest.get(`/jobs/${ids.jobid}/vertices/${ids.vertexid}/metrics?get=${names}`)).status).toBe(200)
  })
})
