/**
 * The rows of a collect sink on their way back into the program: pushed by the executor, pulled by one reader. Reading
 * begins the job when nobody has; a reader who leaves before the end cancels it.
 */
import { StreamError } from '../../base/core/stream-error.ts'
import type { JobClient } from './executor.ts'

export class CollectedRows<T> implements AsyncIterable<T> {
  readonly #begin: () => Promise<unknown>
  readonly #queue: T[] = []
  #next = 0
  #client: JobClient | undefined
  #begun = false
  #opened = false
  #closed = false
  #end: { readonly error?: unknown } | undefined
  #wake: (() => void) | undefined

  /** `begin` submits the job that the sink belongs to. */
  constructor(begin: () => Promise<unknown>) {
    this.#begin = begin
  }

  /** The job that holds the sink is on its way. */
  markBegun(): void {
    this.#begun = true
  }

  attach(client: JobClient): void {
    this.#client = client
  }

  push(rows: readonly unknown[]): void {
    if (this.#closed) return
    for (const row of rows) this.#queue.push(row as T)
    this.#wake?.()
  }

  /** All rows have been pushed; with an error the reader gets it after them. */
  finish(end: { readonly error?: unknown }): void {
    this.#end = end
    this.#wake?.()
  }

  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    if (this.#opened) {
      throw new StreamError('INVALID_PROGRAM', 'The rows of collectAsync() are read a second time', {
        hint: 'They are not kept: read them once, or call collectAsync() once for each reader.',
      })
    }
    this.#opened = true
    return { next: () => this.#pull(), return: () => this.#leave() }
  }

  async #pull(): Promise<IteratorResult<T, undefined>> {
    if (!this.#begun) await this.#begin()
    while (this.#next === this.#queue.length && this.#end === undefined && !this.#closed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    if (this.#closed) return { done: true, value: undefined }
    if (this.#next < this.#queue.length) return { done: false, value: this.#take() }
    if (this.#end !== undefined && 'error' in this.#end) throw this.#end.error
    return { done: true, value: undefined }
  }

  #take(): T {
    const row = this.#queue[this.#next++]!
    if (this.#next === this.#queue.length) {
      this.#queue.length = 0
      this.#next = 0
    }
    return row
  }

  async #leave(): Promise<IteratorResult<T, undefined>> {
    this.#closed = true
    this.#queue.length = 0
    this.#wake?.()
    if (this.#end === undefined) await this.#client?.cancel()
    return { done: true, value: undefined }
  }
}
