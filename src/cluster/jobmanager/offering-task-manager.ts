/**
 * A JobMaster's end of the connection to a TaskManager that has offered slots: who it is, and whether it still lives.
 */
import type { Clock } from '../../base/core/clock.ts'
import { Heartbeat, type HeartbeatSettings } from '../rpc/heartbeat.ts'
import type { FromJobMaster, ToJobMaster } from '../rpc/protocols.ts'
import type { Link } from '../rpc/transport.ts'

export interface OfferingTaskManagerOptions {
  readonly link: Link<ToJobMaster, FromJobMaster>
  readonly offer: ToJobMaster & { readonly say: 'offer' }
  readonly clock: Clock
  readonly heartbeat: HeartbeatSettings
  readonly onSilent: (forMs: number) => void
}

export class OfferingTaskManager {
  readonly taskManagerId: string
  readonly host: string
  readonly dataAddress: string
  readonly send: (message: FromJobMaster) => void
  readonly #options: OfferingTaskManagerOptions
  readonly #heartbeat: Heartbeat

  constructor(options: OfferingTaskManagerOptions) {
    const { link, offer, clock, heartbeat, onSilent } = options
    this.#options = options
    this.taskManagerId = offer.taskManagerId
    this.host = offer.host
    this.dataAddress = offer.dataAddress
    this.send = (message) => link.send(message)
    this.#heartbeat = new Heartbeat({ ...heartbeat, clock, beat: () => link.send({ do: 'heartbeat' }), silent: onSilent })
  }

  heard(): void {
    this.#heartbeat.heard()
  }

  /** It has missed no heartbeat. */
  get isFresh(): boolean {
    return this.#heartbeat.silentMs <= 2 * this.#options.heartbeat.intervalMs
  }

  close(): void {
    this.#heartbeat.stop()
    this.#options.link.close()
  }
}
