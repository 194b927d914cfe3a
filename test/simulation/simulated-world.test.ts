import { describe, expect, it } from 'vitest'
import type { FromResourceManager, ToResourceManager } from '../../src/cluster/rpc/protocols.ts'
import type { Link } from '../../src/cluster/rpc/transport.ts'
import { seededRandom } from '../torture/seeded-random.ts'
import { SimulatedWorld } from './simulated-world.ts'

const hello = { version: '1', from: 'a' }
const beat = (value: number): ToResourceManager => ({ say: 'heartbeat', slots: [], metrics: { value } })

/** Host b listens and keeps what it hears; host a is connected with it. */
async function pair(seed = 1) {
  const lines: string[] = []
  const world = new SimulatedWorld(seededRandom(seed), (line) => void lines.push(line))
  const heard: number[] = []
  const ends: string[] = []
  const b = world.start('b')
  const a = world.start('a')
  await b.transport.listen('b:1', {
    taskManager: (link) => {
      link.onMessage((message) => void (message.say === 'heartbeat' && heard.push(message.metrics.value!)))
      link.onClosed((cause) => void ends.push(`b ${cause?.code}`))
    },
  })
  const connect = (): Link<FromResourceManager, ToResourceManager> => {
    const link = a.transport.connect('b:1', 'taskManager', hello)
    link.onClosed((cause) => void ends.push(`a ${cause?.code}`))
    return link
  }
  return { world, lines, heard, ends, a, b, connect }
}

describe('the simulated world', () => {
  it('is the same for the same seed, and another for another', async () => {
    const run = async (seed: number): Promise<string> => {
      const { world, heard, connect, a } = await pair(seed)
      const link = connect()
      for (let i = 0; i < 20; i++) a.clock.setTimer(world.random() * 10, () => link.send(beat(i)))
      await world.run(() => heard.length === 20, 1_000)
      return `${heard} at ${world.nowMs}`
    }
    expect(await run(1)).toBe(await run(1))
    expect(await run(1)).not.toBe(await run(2))
  })

  it('kills: what the process had begun comes to nothing, and its peers hear of it', async () => {
    const { world, heard, ends, a, connect } = await pair()
    const link = connect()
    link.send(beat(1))
    await world.run(() => heard.length === 1, 1_000)
    a.clock.setTimer(5, () => link.send(beat(2)))
    world.kill('a')
    await world.run(() => ends.length === 1, 1_000)
    expect(ends).toEqual(['b PEER_UNREACHABLE'])
    a.transport.connect('b:1', 'taskManager', hello).send(beat(3))
    await expect(world.run(() => heard.length > 1, 1_000)).rejects.toThrow('nothing happens any more')
    expect(world.faults.kill).toBe(1)
  })

  it('refuses connections to a host on which nothing runs', async () => {
    const { world, ends, connect } = await pair()
    world.kill('b')
    connect()
    await world.run(() => ends.length === 1, 1_000)
    expect(ends).toEqual(['a PEER_UNREACHABLE'])
  })

  it('freezes: nothing happens in the process until it thaws, and then all that waited, in order', async () => {
    const { world, heard, b, connect } = await pair()
    const link = connect()
    world.freeze('b', 500)
    const fromMs = world.nowMs
    let timerMs = 0
    b.clock.setTimer(10, () => void (timerMs = world.nowMs))
    for (let i = 0; i < 5; i++) link.send(beat(i))
    await world.run(() => heard.length === 5 && timerMs > 0, 1_000)
    expect(heard).toEqual([0, 1, 2, 3, 4])
    expect(timerMs - fromMs).toBeGreaterThanOrEqual(500)
  })

  it('cuts hosts off: what they say arrives when the cut has healed', async () => {
    const { world, heard, connect } = await pair()
    const link = connect()
    link.send(beat(0))
    await world.run(() => heard.length === 1, 1_000)
    world.partition('a', 'b', 300)
    const fromMs = world.nowMs
    link.send(beat(1))
    link.send(beat(2))
    await world.run(() => heard.length === 3, 1_000)
    expect(heard).toEqual([0, 1, 2])
    expect(world.nowMs - fromMs).toBeGreaterThanOrEqual(300)
  })

  it('breaks connections: both ends hear it, and a new one can be made', async () => {
    const { world, heard, ends, connect } = await pair()
    connect().send(beat(1))
    await world.run(() => heard.length === 1, 1_000)
    world.break('a', 'b')
    await world.run(() => ends.length === 2, 1_000)
    expect(ends.sort()).toEqual(['a PEER_UNREACHABLE', 'b PEER_UNREACHABLE'])
    connect().send(beat(2))
    await world.run(() => heard.length === 2, 1_000)
  })

  it('says when the work does not end', async () => {
    const { world, a } = await pair()
    const again = (): void => void a.clock.setTimer(10, again)
    again()
    await expect(world.run(() => false, 1_000)).rejects.toThrow('did not come to an end within 1000 ms')
  })
})
