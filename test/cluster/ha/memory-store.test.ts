import { describe, expect, it } from 'vitest'
import { memoryStore } from '../../../src/cluster/ha/memory-store.ts'

function store() {
  let sessions = 0
  return memoryStore(
    () => `session-${++sessions}`,
    (callback) => callback(),
  )
}

function candidate() {
  const told: string[] = []
  return { told, granted: (sessionId: string) => void told.push(`granted ${sessionId}`), revoked: () => void told.push('revoked') }
}

describe('leadership', () => {
  it('goes to the first who stands, and to the next under a new session when he withdraws', async () => {
    const ha = store()
    const leaders: (string | undefined)[] = []
    const unwatch = ha.watch('jobmanager', (leader) => void leaders.push(leader && `${leader.address} ${leader.sessionId}`))
    const [first, second] = [candidate(), candidate()]
    const election = ha.stand('jobmanager', 'a:1', first)
    ha.stand('jobmanager', 'b:1', second)
    expect([first.told, second.told]).toEqual([['granted session-1'], []])
    await election.withdraw()
    await election.withdraw()
    expect([first.told, second.told]).toEqual([['granted session-1'], ['granted session-2']])
    expect(leaders).toEqual([undefined, 'a:1 session-1', undefined, 'b:1 session-2'])
    unwatch()
    await ha.close()
    expect(second.told).toEqual(['granted session-2', 'revoked'])
    expect(leaders).toHaveLength(4)
  })

  it('is not granted before stand() has returned', async () => {
    const ha = memoryStore(() => 's')
    const one = candidate()
    ha.stand('jobmanager', 'a:1', one)
    expect(one.told).toEqual([])
    await Promise.resolve()
    expect(one.told).toEqual(['granted s'])
  })
})

describe('what a leader writes', () => {
  it('is refused once he leads no more, and read by the next', async () => {
    const ha = store()
    const election = ha.stand('jobmanager', 'a:1', candidate())
    ha.stand('jobmanager', 'b:1', candidate())
    await ha.jobs.put('session-1', 'j1', { jobName: 'one', bytes: new Uint8Array([1]) })
    await ha.checkpoints.put('session-1', 'j1', [{ checkpointId: 1, path: '/c/chk-1' }])
    expect(await ha.nextCheckpointId('session-1', 'j1')).toBe(1)
    await election.withdraw()
    const stale = { code: 'PEER_REFUSED' }
    await expect(ha.jobs.remove('session-1', 'j1')).rejects.toMatchObject(stale)
    await expect(ha.results.put('session-1', 'j1', { state: 'FINISHED', isClean: false })).rejects.toMatchObject(stale)
    await expect(ha.nextCheckpointId('session-1', 'j1')).rejects.toMatchObject(stale)
    expect([...(await ha.jobs.all()).keys()]).toEqual(['j1'])
    expect((await ha.checkpoints.all()).get('j1')).toEqual([{ checkpointId: 1, path: '/c/chk-1' }])
    expect(await ha.nextCheckpointId('session-2', 'j1')).toBe(2)
    await ha.jobs.remove('session-2', 'j1')
    expect((await ha.jobs.all()).size).toBe(0)
  })

  it('is a copy: what he changes afterwards is not written', async () => {
    const ha = store()
    ha.stand('jobmanager', 'a:1', candidate())
    const kept = [{ checkpointId: 1, path: '/c/chk-1' }]
    await ha.checkpoints.put('session-1', 'j1', kept)
    kept.pop()
    expect((await ha.checkpoints.all()).get('j1')).toHaveLength(1)
  })
})
