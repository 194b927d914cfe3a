/**
 * A JobMaster's connection to the ResourceManager: says how many slots the job wants to hold, again with each new connection.
 */
import type { Clock, TimerHandle } from '../../base/core/clock.ts'
import { Backoff, type BackoffSettings } from '../rpc/backoff.ts'
import { Heartbeat, type HeartbeatSettings } from '../rpc/heartbeat.ts'
import type { Requirements, RequirementsAnswer } from '../rpc/protocols.ts'
import type { Hello, Link, Transport } from '../rpc/transport.ts'

export interface RequirementsLinkOptions {
  readonly jobId: string
  readonly jobName: string
  readonly jobMaster: { readonly address: string; readonly sessionId: string }
  readonly hello: Pick<Hello, 'version' | 'from'>
  /** Where the ResourceManager is now. */
  readonly resourceManager: () => string
  readonly transport: Transport
  readonly clock: Clock
  readonly heartbeat: HeartbeatSettings
  readonly backoff: BackoffSettings
  readonly onAnswer: (answer: RequirementsAnswer) => void
  /** About every heartbeat interval while there is a connection. */
  readonly onBeat: () => void
}

export class RequirementsLink {
  readonly #options: RequirementsLinkOptions
  readonly #backoff: Backoff
  #declared: number | undefined
  #link: Link<RequirementsAnswer, Requirements> | undefined
  #heartbeat: Heartbeat | undefined
  #retry: TimerHandle | undefined
  #isRegistered = false

  constructor(options: RequirementsLinkOptions) {
    this.#options = options
    this.#backoff = new Backoff(options.backoff)
    this.#connect()
  }

  /** The ResourceManager has answered over the present connection. */
  get isRegistered(): boolean {
    return this.#isRegistered
  }

  declare(slots: number): void {
    this.#declared = slots
    this.#link?.send({ say: 'declare', slots })
  }

  suspect(taskManagerId: string): void {
    this.#link?.send({ say: 'suspect', taskManagerId })
  }

  /** Gives all slots back. */
  close(): void {
    this.#link?.send({ say: 'declare', slots: 0 })
    this.#retry?.cancel()
    this.#drop()
  }

  #connect(): void {
    const { transport, resourceManager, hello, jobId, jobName, jobMaster, heartbeat, clock, onAnswer, onBeat } = this.#options
    const link = transport.connect(resourceManager(), 'requirements', { ...hello, jobId })
    this.#link = link
    link.onMessage((answer) => {
      if (this.#link !== link) return
      this.#heartbeat?.heard()
      if (answer.do === 'registered') {
        this.#isRegistered = true
        this.#backoff.reset()
      }
      onAnswer(answer)
    })
    link.onClosed(() => this.#lost(link))
    const beat = (): void => {
      link.send({ say: 'heartbeat' })
      onBeat()
    }
    this.#heartbeat = new Heartbeat({ ...heartbeat, clock, beat, silent: () => this.#lost(link) })
    link.send({ say: 'register', jobName, jobMaster })
    if (this.#declared !== undefined) link.send({ say: 'declare', slots: this.#declared })
  }

  #lost(link: Link<RequirementsAnswer, Requirements>): void {
    if (this.#link !== link) return
    this.#drop()
    this.#retry = this.#options.clock.setTimer(this.#backoff.nextMs(), () => this.#connect())
  }

  #drop(): void {
    const link = this.#link
    this.#link = undefined
    this.#isRegistered = false
    this.#heartbeat?.stop()
    link?.close()
  }
}
