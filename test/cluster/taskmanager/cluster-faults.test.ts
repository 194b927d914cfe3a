/**
 * Three jobs of two slots each on TaskManagers with a network between them that are killed and started, cut off and healed, and whose connections break, in the order
 * of a seed: each job's rows are those of a run without faults, and in the end no slot is taken.
 */
import { expect, it } from 'vitest'
import { ClusterInProcess, type TestTaskManager } from '../../support/cluster-in-process.ts'
import { countedExactlyOnce, countingPerKey, sortedRows } from '../../support/counting-per-key.ts'
import { seededRandom } from '../../torture/seeded-random.ts'

const rows = 300

const counting = countingPerKey({ rows, gates: Array.from({ length: 7 }, (_, gate) => 20 * (gate + 1)) })
const expected = countedExactlyOnce(rows)

const config = {
  'execution.checkpointing.interval': 400,
  'execution.checkpointing.timeout': 10_000,
  'execution.checkpointing.tolerable-failed-checkpoints': 1_000,
  'restart-strategy.type': 'fixed-delay',
  'restart-strategy.fixed-delay.attempts': 1_000,
  'restart-strategy.fixed-delay.delay': 50,
}

interface Faults {
  kills: number
  cuts: number
  breaks: number
  restarts: number
}

async function runWith(seed: number, faults: Faults): Promise<void> {
  const random = seededRandom(seed)
  const cluster = await new ClusterInProcess().start()
  const hosts = ['a', 'b', 'c']
  const workers = new Map<string, TestTaskManager>()
  for (const host of hosts) workers.set(host, await cluster.startNetworked(host, 2))
  const jobs = [await cluster.submit(counting, config), await cluster.submit(counting, config), await cluster.submit(counting, config)]
  const ended = new Set<number>()
  for (const [index, { client }] of jobs.entries()) void client.result.finally(() => ended.add(index)).catch(() => undefined)
  for (let fault = 0; fault < 20 && ended.size < jobs.length; fault++) {
    await cluster.pass(random() * 1500, 1)
    const host = hosts[Math.floor(random() * hosts.length)]!
    const which = random()
    if (cluster.cutOff.has(host)) cluster.heal(host)
    else if (which < 0.3 && workers.has(host)) {
      workers.get(host)!.kill()
      workers.delete(host)
      faults.kills++
    } else if (!workers.has(host)) workers.set(host, await cluster.startNetworked(host, 2))
    else if (which < 0.6) {
      cluster.cutOff.set(host, [])
      faults.cuts++
    } else {
      cluster.network.break(host)
      faults.breaks++
    }
  }
  for (const host of hosts) {
    cluster.heal(host)
    if (!workers.has(host)) workers.set(host, await cluster.startNetworked(host, 2))
  }
  for (const { value } of jobs) expect(sortedRows(await cluster.outcome(value)), `seed ${seed}`).toEqual(expected)
  for (const { client } of jobs) faults.restarts += client.numRestarts
  const isFree = (): boolean => Object.values(cluster.held()).every((held) => held === 0)
  await cluster.until(`all slots to be free, seed ${seed}`, () => isFree() && Object.keys(cluster.held()).length === hosts.length)
  for (const worker of workers.values()) worker.kill()
}

it('each job has the rows of a run without faults, and no slot stays taken', async () => {
  const faults: Faults = { kills: 0, cuts: 0, breaks: 0, restarts: 0 }
  for (let seed = 1; seed <= 10; seed++) await runWith(seed, faults)
  expect(Math.min(...Object.values(faults)), 'a kind of fault that never came').toBeGreaterThan(0)
})
