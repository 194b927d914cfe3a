/**
 * A loopback network whose messages arrive when the test says so, for managers that are tested with scripted peers under a ManualClock.
 */
import { ManualClock } from '../../src/base/core/clock.ts'
import { LoopbackNetwork } from '../../src/cluster/rpc/loopback-network.ts'
import type { Acceptors, Link } from '../../src/cluster/rpc/transport.ts'

export class SettledNetwork {
  readonly clock = new ManualClock()
  readonly #underWay: (() => void)[] = []
  readonly network = new LoopbackNetwork((_from, _to, arrive) => void this.#underWay.push(arrive))

  async listen(host: string, acceptors: Acceptors): Promise<void> {
    await this.network.transportOf(host).listen(`${host}:1`, acceptors)
  }

  /** Everything under way arrives, and what is said of it, until nobody has more to say. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 3; ) {
      await new Promise<void>((resolve) => setImmediate(resolve))
      const arriving = this.#underWay.splice(0)
      quiet = arriving.length === 0 ? quiet + 1 : 0
      for (const arrive of arriving) arrive()
    }
  }

  /** Lets time pass in steps, so that heartbeats come and go meanwhile. */
  async pass(ms: number, stepMs = 500): Promise<void> {
    await this.settle()
    for (let passed = 0; passed < ms; passed += stepMs) {
      this.clock.advance(Math.min(stepMs, ms - passed))
      await this.settle()
    }
  }
}

/** What a link was told, but for heartbeats unless they are wanted; and whether it has closed. */
export class Heard<In extends object, Out> {
  readonly messages: In[] = []
  closed: { readonly cause: string | undefined } | undefined
  readonly link: Link<In, Out>
  heartbeats = 0

  constructor(link: Link<In, Out>) {
    this.link = link
    link.onMessage((message) => {
      if (Object.values(message)[0] === 'heartbeat') this.heartbeats++
      if (Object.values(message)[0] !== 'heartbeat' || Object.keys(message).length > 1) this.messages.push(message)
    })
    link.onClosed((cause) => void (this.closed = { cause: cause?.message }))
  }

  /** All since the last call. */
  take(): readonly In[] {
    return this.messages.splice(0)
  }
}
