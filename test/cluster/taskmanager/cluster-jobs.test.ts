/**
 * Jobs over ResourceManager, TaskManagers and a JobMaster, all of them real, in this thread.
 */
import { count, type Environment, monotonousTimestamps, sequence, tumbling } from 'headrace'
import { describe, expect, it } from 'vitest'
import { localExecutor } from '../../../src/cluster/local/local-executor.ts'
import { Environment as LocalEnvironment } from '../../../src/program/api/environment.ts'
import type { JobClient, JobEvent } from '../../../src/program/api/executor.ts'
import { ClusterInProcess } from '../../support/cluster-in-process.ts'
import { countedExactlyOnce, countingPerKey, sortedRows } from '../../support/counting-per-key.ts'

/** A count for each of 11 keys in windows of 500 over 4,000 numbers. */
const windows = (env: Environment): Promise<readonly unknown[]> =>
  env
    .setParallelism(4)
    .fromSource(sequence(0, 3_999), { watermarks: monotonousTimestamps((n) => n) })
    .map((n) => ({ key: `k${n % 11}`, n }))
    .keyBy('key')
    .window(tumbling(500))
    .aggregate({ rows: count() })
    .executeAndCollect()

async function locally(main: (env: Environment) => Promise<readonly unknown[]>): Promise<readonly string[]> {
  return sortedRows(await main(new LocalEnvironment({ executor: async () => localExecutor({ mode: 'inline', print: () => undefined }) })))
}

/** The second half of the rows comes when a checkpoint has the first. */
const counting = (rows: number) => countingPerKey({ rows, gates: [rows / 4] })

const checkpoints = {
  'execution.checkpointing.interval': 500,
  'restart-strategy.type': 'fixed-delay',
  'restart-strategy.fixed-delay.attempts': 5,
  'restart-strategy.fixed-delay.delay': 10,
}

function eventsOf(client: JobClient): readonly JobEvent[] {
  const events: JobEvent[] = []
  client.onEvent((event) => void events.push(event))
  return events
}

describe('a job on TaskManagers', () => {
  it('gives the rows that the local executor gives, and its slots back', async () => {
    const cluster = await new ClusterInProcess().start()
    const { id } = cluster.startTaskManager('a', 4)
    const { client, value } = await cluster.submit(windows)
    const rows = await cluster.outcome(value)
    expect(rows).toHaveLength(88)
    expect(sortedRows(rows)).toEqual(await locally(windows))
    expect(client.status).toBe('FINISHED')
    await cluster.until('the slots to be free', () => cluster.held()[id] === 0)
  })

  it('of two slots each gives the same rows, over the network between them', async () => {
    const cluster = await new ClusterInProcess().start()
    const workers = [await cluster.startNetworked('a', 2), await cluster.startNetworked('b', 2)]
    const { value } = await cluster.submit(windows)
    expect(sortedRows(await cluster.outcome(value))).toEqual(await locally(windows))
    for (const { id, kill } of workers) {
      await cluster.until('the slots to be free', () => cluster.held()[id] === 0)
      kill()
    }
  })

  it('begins when there are slots enough, those of jobs that ended among them', async () => {
    const cluster = await new ClusterInProcess().start()
    const first = await cluster.submit(windows)
    const second = await cluster.submit(windows)
    await cluster.pass(20_000)
    cluster.startTaskManager('a', 4)
    expect(await cluster.outcome(first.value)).toHaveLength(88)
    expect(await cluster.outcome(second.value)).toHaveLength(88)
  })

  it('fails when there are not enough within slot.request.timeout, and says how many are wanting', async () => {
    const cluster = await new ClusterInProcess({ 'slot.request.timeout': 60_000 }).start()
    cluster.startTaskManager('a', 3)
    const { value } = await cluster.submit(windows)
    await expect(cluster.outcome(value)).rejects.toMatchObject({
      code: 'NO_RESOURCES',
      message: "Job 'headrace job' waited 1 min for 4 free slots and has 3: it takes 4 slots altogether and the cluster has 3 for it",
      hint: expect.stringContaining('taskmanager.numberOfTaskSlots'),
    })
  })

  it('is cancelled while it waits for slots', async () => {
    const cluster = await new ClusterInProcess().start()
    const { client, value } = await cluster.submit(windows)
    await cluster.outcome(client.cancel())
    expect(client.status).toBe('CANCELED')
    await expect(value).rejects.toMatchObject({ code: 'CANCELLED' })
  })
})

describe('a job goes on from its last checkpoint', () => {
  it('on spare slots when its TaskManager is killed', async () => {
    const cluster = await new ClusterInProcess().start()
    const workers = [cluster.startTaskManager('a', 2), cluster.startTaskManager('b', 2)]
    await cluster.until('both to register', () => Object.keys(cluster.held()).length === 2)
    const { client, value } = await cluster.submit(counting(4_000), checkpoints)
    const events = eventsOf(client)
    await cluster.until('a checkpoint', () => events.some(({ on }) => on === 'checkpointCompleted'))
    const busy = workers.find(({ id }) => cluster.held()[id] === 2)!
    busy.kill()
    const rows = await cluster.outcome(value)
    expect(sortedRows(rows)).toEqual(countedExactlyOnce(4_000))
    expect(client.numRestarts).toBe(1)
    expect(events.find(({ on }) => on === 'restarting')).toMatchObject({
      checkpointId: expect.any(Number),
      cause: { code: 'TASK_LOST', message: expect.stringContaining(busy.id) },
    })
  })

  it('when one of two TaskManagers is killed that it has channels between', async () => {
    const cluster = await new ClusterInProcess().start()
    const workers = await Promise.all(['a', 'b', 'c'].map((host) => cluster.startNetworked(host, 1)))
    await cluster.until('all to register', () => Object.keys(cluster.held()).length === 3)
    const { client, value } = await cluster.submit(counting(4_000), checkpoints)
    const events = eventsOf(client)
    await cluster.until('a checkpoint', () => events.some(({ on }) => on === 'checkpointCompleted'))
    workers.find(({ id }) => cluster.held()[id] === 1)!.kill()
    expect(sortedRows(await cluster.outcome(value))).toEqual(countedExactlyOnce(4_000))
    expect(client.numRestarts).toBeGreaterThan(0)
    for (const { kill } of workers) kill()
  })

  it('on spare slots when its TaskManager is not heard any more, which then comes back and is free', async () => {
    const cluster = await new ClusterInProcess().start()
    const workers = [cluster.startTaskManager('a', 2), cluster.startTaskManager('b', 2)]
    await cluster.until('both to register', () => Object.keys(cluster.held()).length === 2)
    const { client, value } = await cluster.submit(counting(4_000), checkpoints)
    const events = eventsOf(client)
    await cluster.until('a checkpoint', () => events.some(({ on }) => on === 'checkpointCompleted'))
    const busy = workers.find(({ id }) => cluster.held()[id] === 2)!
    const host = busy.id.split(':')[0]!
    cluster.cutOff.set(host, [])
    await cluster.until('it to be given up', () => cluster.held()[busy.id] === undefined)
    cluster.heal(host)
    expect(sortedRows(await cluster.outcome(value))).toEqual(countedExactlyOnce(4_000))
    await cluster.until('it to be back and free', () => cluster.held()[busy.id] === 0)
  })

  it('on the same slots when the connection to the JobMaster breaks and there are no others', async () => {
    const cluster = await new ClusterInProcess().start()
    const { id } = cluster.startTaskManager('a', 2)
    const { client, value } = await cluster.submit(counting(4_000), checkpoints)
    const events = eventsOf(client)
    await cluster.until('a checkpoint', () => events.some(({ on }) => on === 'checkpointCompleted'))
    cluster.network.break('a')
    expect(sortedRows(await cluster.outcome(value))).toEqual(countedExactlyOnce(4_000))
    expect(client.numRestarts).toBe(1)
    await cluster.until('the slots to be free', () => cluster.held()[id] === 0)
  })
})
