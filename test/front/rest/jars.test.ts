/** Programs that are uploaded, listed, planned, run and deleted; and what is none. */
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { programKindOf } from '../../../src/front/rest/program-kind.ts'
import { shellWords } from '../../../src/front/rest/shell-words.ts'
import { UploadGate } from '../../../src/front/rest/upload-gate.ts'
import { eventually, fileForm, type Rest, startRest } from './rest-client.ts'
import { tgzMagic, zipOf } from './zip-of.ts'

const program = `
  export default (env, args) => { env.setParallelism(Number(args.p ?? 1)); env.fromSequence(1, 5).print() }
  export const other = (env) => { env.fromSequence(1, 5, { name: 'the other' }).print() }`

let rest: Rest
beforeAll(async () => {
  rest = await startRest()
})
afterAll(() => rest.end())

const upload = (name: string, content: string | Uint8Array, field?: string) =>
  rest.ask('POST', '/v1/jars/upload', fileForm(name, content, field))
const uploaded = async (): Promise<string> => (await upload('sequence.jar', program)).json.filename.split('/').at(-1)

describe('a program', () => {
  it('is uploaded under any field, listed by its name, and deleted', async () => {
    const { status, json } = await upload('sequence.jar', program, 'file')
    expect([status, json.status]).toEqual([200, 'success'])
    const id = json.filename.split('/').at(-1)
    const { json: list } = await rest.get('/jars')
    expect(list.address).toBe(rest.server.url)
    expect(list.files).toContainEqual({
      id,
      name: 'sequence.jar',
      uploaded: expect.any(Number),
      entry: [{ name: 'default', description: null }],
    })
    expect([(await rest.ask('DELETE', `/jars/${id}`)).json, (await rest.ask('DELETE', `/jars/${id}`)).status]).toEqual([{}, 400])
    expect((await rest.ask('POST', `/jars/${id}/run`, {})).status).toBe(404)
  })

  it('is run with arguments, an entry, a parallelism and a configuration; the body wins over the query', async () => {
    const id = await uploaded()
    const jobId = 'AB'.repeat(16)
    const body = {
      programArgsList: ['--p', '2', 'word'],
      parallelism: '3',
      entryClass: 'other',
      jobId,
      flinkConfiguration: { 'pipeline.name': 'mine' },
    }
    const run = await rest.ask('POST', `/jars/${id}/run?programArg=--p,9&parallelism=7&entry-class=default`, body)
    expect([run.status, run.json]).toEqual([200, { jobid: jobId.toLowerCase(), applicationId: jobId.toLowerCase() }])
    expect(rest.cluster.submitted.at(-1)).toMatchObject({
      ...{
        args: ['--p', '2', 'word'],
        entry: 'other',
        file: 'sequence.jar',
        config: { 'parallelism.default': 3, 'pipeline.name': 'mine' },
      },
    })
    const { json } = await eventually(
      () => rest.get(`/jobs/${jobId}`),
      (answer) => answer.json.state === 'FINISHED',
    )
    expect(json.plan.nodes[0].description).toContain('the other')
  })

  it('gets the arguments that old clients send in one line, and those of the query', async () => {
    const id = await uploaded()
    const argsOf = async (query: string, body: unknown) => {
      await rest.ask('POST', `/jars/${id}/run${query}`, body)
      return rest.cluster.submitted.at(-1)!.args
    }
    expect(await argsOf('', { programArgs: '--p "2" x' })).toEqual(['--p', '2', 'x'])
    expect(await argsOf('?programArg=a,b', { parallelism: null, entryClass: '' })).toEqual(['a', 'b'])
    expect(await argsOf('?program-args=a%20b', undefined)).toEqual(['a', 'b'])
    expect(await argsOf('?programArg=a,b', { programArgsList: [] })).toEqual([])
  })

  it('starts from a savepoint', async () => {
    const id = await uploaded()
    await rest.ask('POST', `/jars/${id}/run?savepointPath=--p`, { savepointPath: '/sp', allowNonRestoredState: true, claimMode: 'CLAIM' })
    expect(rest.cluster.submitted.at(-1)!.config).toEqual({
      ...{ 'execution.state-recovery.path': '/sp', 'execution.state-recovery.claim-mode': 'CLAIM' },
      'execution.state-recovery.ignore-unclaimed-state': true,
    })
  })

  it('is planned without running, with GET as the dashboard does', async () => {
    const id = await uploaded()
    const before = rest.cluster.jobMasters.size
    for (const method of ['GET', 'POST']) {
      const { json } = await rest.ask(method, `/jars/${id}/plan?programArg=--p,2`)
      expect(json.plan.nodes[0]).toMatchObject({ parallelism: 2, id: expect.stringMatching(/^[0-9a-f]{32}$/) })
    }
    expect(rest.cluster.jobMasters.size).toBe(before)
  })

  it('that is told what cannot be is refused', async () => {
    const id = await uploaded()
    const refused = async (body: unknown) => (await rest.ask('POST', `/jars/${id}/run`, body)).status
    expect(await refused({ parallelism: 0 })).toBe(400)
    expect(await refused({ parallelism: 'many' })).toBe(400)
    expect(await refused({ programArgsList: 'a' })).toBe(400)
    expect(await refused({ claimMode: 'TAKE' })).toBe(400)
    expect(await refused({ flinkConfiguration: { 'parallelism.defualt': '2' } })).toBe(400)
    expect(await refused({ entryClass: 'nothing' })).toBe(400)
  })
})

describe('an upload', () => {
  const refused = async (form: FormData | string) => {
    const { status, json } = await rest.ask('POST', '/jars/upload', form)
    return [status, json.errors[0]]
  }

  it('needs a name that ends in .jar, and to be one file', async () => {
    expect(await refused(fileForm('sequence.mjs', program))).toEqual([400, 'Only Jar files are allowed.'])
    expect(await refused('')).toEqual([400, 'Exactly 1 file must be sent, received 0.'])
    const two = fileForm('a.jar', program)
    two.append('more', new Blob([program]), 'b.jar')
    expect(await refused(two)).toEqual([400, 'Exactly 1 file must be sent, received 2.'])
    const none = new FormData()
    none.append('jarfile', 'a text')
    expect(await refused(none)).toEqual([400, 'Exactly 1 file must be sent, received 0.'])
  })

  it('that is Java is told so', async () => {
    for (const archive of [
      zipOf(['META-INF/MANIFEST.MF']),
      zipOf(['package.json', 'org/x/Main.class']),
      Buffer.from('cafebabe00000034', 'hex'),
    ]) {
      const [status, text] = await refused(fileForm('WordCount.jar', archive))
      expect([status, text]).toEqual([400, expect.stringMatching(/^WordCount.jar is a (Java archive|compiled Java class)\..* has no JVM/)])
    }
  })

  it('that is nothing that runs is refused', async () => {
    for (const content of [Buffer.from([0xff, 0xfe, 0x00]), zipOf(['readme.md']), zipOf(['package.json']).subarray(0, 40), Buffer.alloc(0)])
      expect((await refused(fileForm('x.jar', content)))[0]).toBe(400)
  })

  it('never leaves its folder, whatever its name', async () => {
    for (const name of [
      '../../etc/x.jar',
      '..\\..\\x.jar',
      '/etc/passwd.jar',
      'a\u0001b.jar',
      '.jar',
      `${'x'.repeat(5000)}.jar`,
      '%2e%2e%2fx.jar',
    ]) {
      const { status, json } = await upload(name, program)
      expect(status).toBe(200)
      expect(json.filename).toMatch(/^\/uploads\/[0-9a-f]{32}_[^/\\]*\.jar$/)
      expect(json.filename.length).toBeLessThan(255)
    }
    for (const id of ['..%2f..%2fetc%2fpasswd.jar', '%2e%2e%2fx.jar', 'x.jar%00.jar', '..', `${'a'.repeat(32)}_x.jar`, 'nothing'])
      for (const [method, path] of [
        ['DELETE', ''],
        ['POST', '/run'],
        ['GET', '/plan'],
      ] as const)
        expect([400, 404]).toContain((await rest.ask(method, `/jars/${id}${path}`)).status)
  })

  it('is one of four at most that go on at once', async () => {
    const gate = new UploadGate()
    const ends: ((how: 'sent' | 'broken') => void)[] = []
    const receive = () =>
      new Promise<string>((resolve, reject) => void ends.push((how) => (how === 'sent' ? resolve(how) : reject(new Error(how)))))
    const four = [1, 2, 3, 4].map(() => gate.through(receive))
    await expect(gate.through(receive)).rejects.toThrow('4 uploads are under way')
    ends[0]!('broken')
    await expect(four[0]).rejects.toThrow('broken')
    const fifth = gate.through(receive)
    for (const end of ends.slice(1)) end('sent')
    expect(await Promise.all([...four.slice(1), fifth])).toEqual(['sent', 'sent', 'sent', 'sent'])
  })

  it('that breaks off leaves room for others', async () => {
    for (let n = 0; n < 6; n++) {
      const head =
        'POST /jars/upload HTTP/1.1\r\nhost: localhost\r\ncontent-type: multipart/form-data; boundary=x\r\ncontent-length: 1000\r\n\r\n'
      const socket = connect(rest.server.port, '127.0.0.1')
      await new Promise<void>((resolve) =>
        socket.write(`${head}--x\r\ncontent-disposition: form-data; name="f"; filename="a.jar"\r\n\r\nabc`, () => resolve()),
      )
      await rest.get('/overview')
      await new Promise((resolve) => socket.on('close', resolve).destroy())
    }
    await eventually(
      () => upload('a.jar', program),
      ({ status }) => status === 200,
    )
  })

  it('that is too large is refused, and leaves nothing', async () => {
    const before = (await rest.get('/jars')).json.files.length
    const [status] = await refused(fileForm('large.jar', Buffer.alloc(101 * 1024 * 1024, 32)))
    expect([status, (await rest.get('/jars')).json.files.length]).toEqual([413, before])
  })
})

describe('a cluster on which nothing is to be submitted', () => {
  it('refuses uploads, runs and deletions', async () => {
    const closed = await startRest({ config: { 'web.submit.enable': false, 'web.cancel.enable': false } })
    const statuses = [
      (await closed.ask('POST', '/jars/upload', fileForm('a.jar', program))).status,
      (await closed.ask('POST', '/jars/a.jar/run', {})).status,
      (await closed.ask('DELETE', '/jars/a.jar')).status,
      (await closed.ask('GET', `/jobs/${'a'.repeat(32)}/yarn-cancel`)).status,
    ]
    expect(statuses).toEqual([403, 403, 403, 403])
    expect((await closed.get('/config')).json.features).toEqual({
      'web-submit': false,
      'web-cancel': false,
      'web-rescale': false,
      'web-history': false,
    })
    await closed.end()
  })
})

it('tells a program by its content', () => {
  expect(programKindOf(Buffer.from('export default () => {}'), 'a.jar')).toBe('module')
  expect(programKindOf(zipOf(['package.json', 'index.mjs']), 'a.jar')).toBe('zip')
  expect(programKindOf(zipOf(['package/package.json', 'package/index.mjs']), 'a.jar')).toBe('zip')
  expect(programKindOf(tgzMagic, 'a.jar')).toBe('tgz')
})

it('splits a line as a shell does', () => {
  expect(shellWords(`--a 'b c'  "d \\" e"\tf\\ g ''`)).toEqual(['--a', 'b c', 'd " e', 'f g', ''])
  expect(shellWords('  ')).toEqual([])
})
