/**
 * A transport whose messages are changed, dropped or doubled on their way: for bugs that are planted.
 */
import type { ProtocolName } from '../../src/cluster/rpc/protocols.ts'
import type { Acceptors, Link, Transport } from '../../src/cluster/rpc/transport.ts'

/** What is sent in place of a message, whoever sent it. */
export type Tamper = (protocol: ProtocolName, message: any) => readonly any[]

export function tampered(transport: Transport, tamper: Tamper): Transport {
  const wrap = (protocol: ProtocolName, link: Link<any, any>): Link<any, any> => ({
    send: (message) => {
      for (const each of tamper(protocol, message)) link.send(each)
    },
    onMessage: (handler) => link.onMessage(handler),
    onClosed: (handler) => link.onClosed(handler),
    close: () => link.close(),
  })
  return {
    connect: (address, protocol, hello) => wrap(protocol, transport.connect(address, protocol, hello)),
    listen: (address, acceptors) => {
      const wrapped = Object.entries(acceptors).map(([name, accept]) => [
        name,
        name === 'package' ? accept : (link: Link<any, any>, hello: any) => (accept as any)(wrap(name as ProtocolName, link), hello),
      ])
      return transport.listen(address, Object.fromEntries(wrapped) as Acceptors)
    },
    readPackage: (address, id, hello) => transport.readPackage(address, id, hello),
  }
}
