import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import { unlessStuck } from '../../../src/front/cli/unless-stuck.ts'

const never = new Promise<never>(() => undefined)

describe('waiting for main', () => {
  it('gives what main gives, and listens no more', async () => {
    const process = new EventEmitter()
    expect(await unlessStuck(Promise.resolve(5), { process, cause: () => undefined })).toBe(5)
    await expect(unlessStuck(Promise.reject(new Error('thrown')), { process, cause: () => undefined })).rejects.toThrow('thrown')
    expect(process.listenerCount('beforeExit')).toBe(0)
  })

  it('fails with the error of the job that failed, when nothing runs any more', async () => {
    const process = new EventEmitter()
    const waiting = unlessStuck(never, { process, cause: () => new Error('the job') })
    process.emit('beforeExit')
    await expect(waiting).rejects.toThrow('the job')
  })

  it('says that main waits in vain, when there is no such job', async () => {
    const process = new EventEmitter()
    const waiting = unlessStuck(never, { process, cause: () => undefined })
    process.emit('beforeExit')
    await expect(waiting).rejects.toMatchObject({ code: 'INVALID_PROGRAM', message: expect.stringContaining('nothing runs any more') })
  })
})
