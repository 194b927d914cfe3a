import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { startNetworkThread } from '../../../src/cluster/taskmanager/start-network-thread.ts'
import { receive, send } from './channel-script.ts'
import { NetworkPair, startNetwork, type TestNetwork } from './network-pair.ts'

const open: TestNetwork[] = []
afterEach(async () => {
  for (const { network } of open.splice(0)) await network.close()
})

async function start(taskManagerId: string, options = {}): Promise<TestNetwork> {
  const started = await startNetwork(startNetworkThread, taskManagerId, options)
  open.push(started)
  return started
}

const two = () => Promise.all([start('tm-producer'), start('tm-consumer')])

describe('channels between two network threads', () => {
  it('carry rows of every size, watermarks and barriers in order, whoever is there first', async () => {
    for (const consumersFirst of [true, false]) {
      const [producer, consumer] = await two()
      const pair = new NetworkPair(3)
      const add = [() => pair.addProducers(producer.network), () => pair.addConsumers(consumer.network, producer.network.dataAddress)]
      for (const each of consumersFirst ? add.reverse() : add) {
        each()
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      const sent = [0, 1, 2].map((channel) => send(pair, channel, 1000))
      const seen = await Promise.all([0, 1, 2].map((channel) => receive(pair, channel)))
      await Promise.all(sent)
      for (const each of seen) expect(each).toEqual({ rows: 1000, watermark: 999, barriers: [1, 2, 3, 4, 5], isEnded: true })
      expect([...producer.broken, ...consumer.broken]).toEqual([])
    }
  })

  it('are not held up by one that nobody reads', async () => {
    const [producer, consumer] = await two()
    const pair = new NetworkPair(2)
    pair.addProducers(producer.network)
    pair.addConsumers(consumer.network, producer.network.dataAddress)
    let stuckIsSent = false
    const stuck = send(pair, 0, 1000).then(() => {
      stuckIsSent = true
    })
    const sent = send(pair, 1, 1000)
    expect((await receive(pair, 1)).barriers).toEqual([1, 2, 3, 4, 5])
    await sent
    expect(stuckIsSent).toBe(false)
    expect(await receive(pair, 0)).toMatchObject({ rows: 1000, isEnded: true })
    await stuck
  })

  it('deliver what producers said last though their attempt is removed', async () => {
    const [producer, consumer] = await two()
    const pair = new NetworkPair(2, { segmentSizeBytes: 64 * 1024, segments: 4 })
    pair.addProducers(producer.network)
    await Promise.all([send(pair, 0, 150), send(pair, 1, 150)])
    producer.network.remove('job', 0)
    pair.addConsumers(consumer.network, producer.network.dataAddress)
    for (const channel of [0, 1]) expect(await receive(pair, channel)).toMatchObject({ rows: 150, isEnded: true })
    expect(consumer.broken).toEqual([])
  })

  it('are many at a time', async () => {
    const [producer, consumer] = await two()
    const channels = 60
    const pair = new NetworkPair(channels)
    pair.addProducers(producer.network)
    pair.addConsumers(consumer.network, producer.network.dataAddress)
    const all = Array.from({ length: channels }, (_, channel) => channel)
    const sent = all.map((channel) => send(pair, channel, 100))
    for (const seen of await Promise.all(all.map((channel) => receive(pair, channel))))
      expect(seen).toMatchObject({ rows: 100, isEnded: true })
    await Promise.all(sent)
  })
})

describe('channels that break', () => {
  it('are told at the consumer when the producer is gone, with both ends by name', async () => {
    const [producer, consumer] = await two()
    const pair = new NetworkPair(3)
    pair.addProducers(producer.network)
    pair.addConsumers(consumer.network, producer.network.dataAddress)
    void send(pair, 0, 10)
    await receive(pair, 0)
    void send(pair, 1, 500)
    await receive(pair, 1, ({ rows }) => rows > 100)
    await producer.network.close()
    const { slots, error } = await consumer.firstBroken
    expect(slots, 'channel 0 was complete').toEqual([101, 102])
    expect(error).toMatchObject({ code: 'TASK_LOST' })
    expect(error.message).toContain(`from TaskManager ${producer.network.dataAddress} to TaskManager tm-consumer broke`)
  })

  it('are told at the producer when the consumer is gone', async () => {
    const [producer, consumer] = await two()
    const pair = new NetworkPair(2)
    pair.addProducers(producer.network)
    pair.addConsumers(consumer.network, producer.network.dataAddress)
    void send(pair, 0, 500)
    await receive(pair, 0, ({ rows }) => rows > 100)
    await consumer.network.close()
    const { slots, error } = await producer.firstBroken
    expect(slots).toEqual([0, 1])
    expect(error.message).toBe(
      'The channels of job job (attempt 0) from TaskManager tm-producer to TaskManager tm-consumer broke: the connection was lost',
    )
  })

  it('are told when nobody listens there', async () => {
    const consumer = await start('tm-consumer')
    new NetworkPair(1).addConsumers(consumer.network, '127.0.0.1:1')
    expect((await consumer.firstBroken).error.message).toMatch(
      /from TaskManager 127\.0\.0\.1:1 to TaskManager tm-consumer broke: .*ECONNREFUSED/,
    )
  })

  it('are refused to an attempt that is over, and the next attempt runs', async () => {
    const [producer, consumer] = await two()
    const first = new NetworkPair(1)
    first.addProducers(producer.network)
    producer.network.remove('job', 0)
    first.addConsumers(consumer.network, producer.network.dataAddress)
    expect((await consumer.firstBroken).error.message).toContain('attempt 0 of job job is over on TaskManager tm-producer')
    consumer.network.remove('job', 0)
    const second = new NetworkPair(1)
    second.addConsumers(consumer.network, producer.network.dataAddress, 1)
    second.addProducers(producer.network, 1)
    const sent = send(second, 0, 300)
    expect(await receive(second, 0)).toMatchObject({ rows: 300, isEnded: true })
    await sent
  })

  it('are refused to who has another token', async () => {
    const [producer, consumer] = await Promise.all([start('a', { token: 'right' }), start('b', { token: 'wrong' })])
    const pair = new NetworkPair(1)
    pair.addProducers(producer.network)
    pair.addConsumers(consumer.network, producer.network.dataAddress)
    expect((await consumer.firstBroken).error.message).toContain('TaskManager a was given another token')
    expect(producer.broken).toEqual([])
  })
})

describe('channels over mutual TLS', () => {
  it('carry rows between those who have keys of the cluster, and nothing to others', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'headrace-tls-'))
    const read = (name: string): string => readFileSync(path.join(folder, name), 'utf8')
    for (const name of ['own', 'stranger']) {
      const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${name}.key`, '-out', `${name}.crt`]
      const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2']
      execFileSync('openssl', ['req', '-x509', ...key, ...subject], { cwd: folder, stdio: 'pipe' })
    }
    const tlsOf = (name: string) => ({
      tls: { certificate: read(`${name}.crt`), key: read(`${name}.key`), authority: read('own.crt'), mutual: true },
    })
    const [producer, consumer, stranger] = await Promise.all([
      start('a', tlsOf('own')),
      start('b', tlsOf('own')),
      start('c', tlsOf('stranger')),
    ])
    const pair = new NetworkPair(1)
    pair.addProducers(producer.network)
    new NetworkPair(1).addConsumers(stranger.network, producer.network.dataAddress)
    expect((await stranger.firstBroken).error).toMatchObject({ code: 'TASK_LOST' })
    pair.addConsumers(consumer.network, producer.network.dataAddress)
    const sent = send(pair, 0, 300)
    expect(await receive(pair, 0)).toMatchObject({ rows: 300, isEnded: true })
    await sent
    expect([...producer.broken, ...consumer.broken]).toEqual([])
    rmSync(folder, { recursive: true })
  })
})

describe('a network that cannot start', () => {
  it('says why', async () => {
    const { network } = await start('a')
    await expect(start('b', { listen: network.dataAddress })).rejects.toMatchObject({ code: 'INVALID_CONFIG' })
  })

  it('is one that others reach and nothing protects', async () => {
    await expect(start('b', { listen: '0.0.0.0:0' })).rejects.toThrow(/can be reached from other machines/)
    expect((await start('c', { listen: '0.0.0.0:0', token: 'secret', advertised: 'here.example' })).network.dataAddress).toMatch(
      /^here\.example:\d+$/,
    )
  })
})
