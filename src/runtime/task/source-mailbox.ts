/**
 * What the coordinator sends to one source subtask, in order. A checkpoint is a valve: what comes behind it waits until the
 * reader's splits have been taken for it, so that a split stands in the enumerator's snapshot or in the reader's, never
 * in both.
 */
import type { SourceReader } from '../../program/function/source.ts'
import type { CheckpointStart } from '../state/snapshot.ts'

export type SourceMail =
  | { readonly do: 'assignSplits'; readonly splits: readonly unknown[] }
  | { readonly do: 'noMoreSplits' }
  | { readonly do: 'readerEvent'; readonly event: unknown }
  | { readonly do: 'startCheckpoint'; readonly checkpoint: CheckpointStart }

export class SourceMailbox {
  readonly #reader: SourceReader<any, any>
  #mails: SourceMail[] = []
  #request: CheckpointStart | undefined

  constructor(reader: SourceReader<any, any>) {
    this.#reader = reader
  }

  /** The checkpoint that the source has to take before it goes on. */
  get request(): CheckpointStart | undefined {
    return this.#request
  }

  take(mail: SourceMail): void {
    this.#mails.push(mail)
    this.#read()
  }

  /** The checkpoint has been taken, or was given up: mails go on. */
  settle(checkpointId: number): void {
    this.#mails = this.#mails.filter((mail) => mail.do !== 'startCheckpoint' || mail.checkpoint.checkpointId !== checkpointId)
    if (this.#request?.checkpointId === checkpointId) this.#request = undefined
    this.#read()
  }

  #read(): void {
    while (this.#request === undefined) {
      const mail = this.#mails.shift()
      if (mail === undefined) return
      if (mail.do === 'startCheckpoint') this.#request = mail.checkpoint
      else if (mail.do === 'assignSplits') this.#reader.addSplits(mail.splits)
      else if (mail.do === 'noMoreSplits') this.#reader.notifyNoMoreSplits()
      else this.#reader.handleEnumeratorEvent?.(mail.event)
    }
  }
}
