import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { plainMessage, RestClient } from '../../../src/front/client/rest-client.ts'

let server: Server | undefined
afterEach(() => server?.close())

/** A cluster that answers everything so. */
function answering(status: number, body: string): Promise<RestClient> {
  return new Promise((resolve) => {
    server = createServer((_request, response) => response.writeHead(status).end(body))
    server.listen(0, '127.0.0.1', () => resolve(new RestClient(`http://127.0.0.1:${(server!.address() as AddressInfo).port}/`)))
  })
}

describe('the client of the REST API', () => {
  it('tells what a server says that refuses', async () => {
    const client = await answering(404, '{"errors":["There is no job 4f."]}')
    await expect(client.job('4f')).rejects.toMatchObject({ code: 'JOB_NOT_FOUND', message: 'There is no job 4f.' })
  })

  it('tells the exception of a server that failed, without its class and stack', async () => {
    const stack =
      '<Exception on server side:\nheadrace.StreamError.INVALID_PROGRAM: no such file\nsecond line\n\tat x\nEnd of exception on server side>'
    const client = await answering(500, JSON.stringify({ errors: ['Internal server error.', stack] }))
    await expect(client.overview()).rejects.toThrow(/^no such file\nsecond line$/)
  })

  it('says so when the server is none of a cluster, or nobody is there', async () => {
    const client = await answering(200, '<html>')
    await expect(client.overview()).rejects.toMatchObject({ code: 'PEER_REFUSED' })
    await expect((await answering(502, 'bad gateway')).overview()).rejects.toThrow('bad gateway')
    await expect(new RestClient('http://127.0.0.1:9').overview()).rejects.toMatchObject({ code: 'PEER_UNREACHABLE' })
  })

  it('reads exceptions of Flink’s form', () => {
    expect(plainMessage('java.lang.RuntimeException: boom\n\tat a.b(C.java:1)\nCaused by: other')).toBe('boom')
    expect(plainMessage('a sentence: with a colon')).toBe('a sentence: with a colon')
  })
})
