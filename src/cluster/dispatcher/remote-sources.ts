/**
 * The enumerators of a job in its job process, as the JobMaster sees them: a SourceHost by messages.
 *
 * What always holds: once the process is gone every question that is open is answered, so that the JobMaster comes to its end;
 * messages keep their order, which SourceHost's promises rest on.
 */
import { StreamError } from '../../base/core/stream-error.ts'
import type { SourceEvents, SourceHost, SourceSnapshots } from '../rpc/source-host.ts'
import type { SourceAnswer, SourceCall } from './job-process-messages.ts'

export class RemoteSources implements SourceHost {
  readonly #send: (call: SourceCall) => void
  #events: SourceEvents | undefined
  /** In the order of their calls, which is that of the answers. */
  readonly #snapshots: ((answer: SourceSnapshots | StreamError) => void)[] = []
  readonly #closing = new Map<number, () => void>()
  #requests = 0
  #gone: StreamError | undefined

  constructor(send: (call: SourceCall) => void) {
    this.#send = send
  }

  /** What HostSources does. */
  host(events: SourceEvents): SourceHost {
    this.#events = events
    return this
  }

  make(vertices: readonly number[], restored: ReadonlyMap<number, unknown> | undefined): void {
    this.#send({ call: 'make', vertices, restored })
  }

  start(vertices: readonly number[]): void {
    if (this.#gone !== undefined) return this.#events?.failed(this.#gone)
    this.#send({ call: 'start', vertices })
  }

  registerReader(vertex: number, subtask: number): void {
    this.#send({ call: 'registerReader', vertex, subtask })
  }

  requestSplit(vertex: number, subtask: number): void {
    this.#send({ call: 'requestSplit', vertex, subtask })
  }

  readerEvent(vertex: number, subtask: number, event: unknown): void {
    this.#send({ call: 'readerEvent', vertex, subtask, event })
  }

  snapshotAll(checkpointId: number, then: (answer: SourceSnapshots | StreamError) => void): void {
    if (this.#gone !== undefined) return then(this.#gone)
    this.#snapshots.push(then)
    this.#send({ call: 'snapshotAll', checkpointId })
  }

  notifyCheckpointComplete(checkpointId: number): void {
    this.#send({ call: 'notifyCheckpointComplete', checkpointId })
  }

  close(vertices: readonly number[]): Promise<void> {
    if (this.#gone !== undefined) return Promise.resolve()
    const request = ++this.#requests
    return new Promise((resolve) => {
      this.#closing.set(request, resolve)
      this.#send({ call: 'close', request, vertices })
    })
  }

  /** Whether somebody waits for enumerators to close. */
  get isClosing(): boolean {
    return this.#closing.size > 0
  }

  receive(answer: SourceAnswer): void {
    switch (answer.tell) {
      case 'toReader':
        return this.#events?.toReader(answer.message)
      case 'failed':
        return this.#events?.failed(StreamError.fromWire(answer.error))
      case 'snapshot':
        return this.#snapshots.shift()?.(answer.held)
      case 'noSnapshot':
        return this.#snapshots.shift()?.(StreamError.fromWire(answer.error))
      case 'closed': {
        const closed = this.#closing.get(answer.request)
        this.#closing.delete(answer.request)
        return closed?.()
      }
    }
  }

  /** The process is gone, and the enumerators with it. */
  lost(error: StreamError): void {
    if (this.#gone !== undefined) return
    this.#gone = error
    for (const answer of this.#snapshots.splice(0)) answer(error)
    for (const closed of this.#closing.values()) closed()
    this.#closing.clear()
    this.#events?.failed(error)
  }
}
