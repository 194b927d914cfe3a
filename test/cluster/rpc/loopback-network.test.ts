import { describe, expect, it } from 'vitest'
import { LoopbackNetwork } from '../../../src/cluster/rpc/loopback-network.ts'
import { closed, heartbeat, hello, transportContract } from './transport-contract.ts'

const soon = (_from: string, _to: string, arrive: () => void) => void setImmediate(arrive)

describe('the loopback', () => {
  transportContract(async () => {
    const network = new LoopbackNetwork(soon)
    return { client: network.transportOf('a'), server: network.transportOf('b'), address: 'b:0', close: async () => undefined }
  })

  it('keeps the order of a link when what it carries arrives in another', async () => {
    const carried: (() => void)[] = []
    const network = new LoopbackNetwork((_from, _to, arrive) => void carried.push(arrive))
    const heard: unknown[] = []
    await network.transportOf('b').listen('b:1', { taskManager: (link) => link.onMessage((message) => void heard.push(message)) })
    const link = network.transportOf('a').connect('b:1', 'taskManager', hello)
    for (let i = 0; i < 5; i++) link.send(heartbeat(i))
    for (const arrive of carried.splice(0).reverse()) arrive()
    expect(heard).toEqual(Array.from({ length: 5 }, (_, i) => heartbeat(i)))
  })

  it('breaks links: both ends hear it, and what was under way is lost', async () => {
    const carried: (() => void)[] = []
    const network = new LoopbackNetwork((_from, _to, arrive) => void carried.push(arrive))
    const heard: unknown[] = []
    let server: Promise<unknown> = Promise.resolve()
    await network.transportOf('b').listen('b:1', {
      taskManager: (link) => {
        link.onMessage((message) => void heard.push(message))
        server = closed(link)
      },
    })
    const link = network.transportOf('a').connect('b:1', 'taskManager', hello)
    for (const arrive of carried.splice(0)) arrive()
    link.send(heartbeat(1))
    network.break('b', 'a')
    for (const arrive of carried.splice(0)) arrive()
    expect(await closed(link)).toMatchObject({ code: 'PEER_UNREACHABLE' })
    expect(await server).toMatchObject({ code: 'PEER_UNREACHABLE' })
    expect(heard).toEqual([])
  })
})
