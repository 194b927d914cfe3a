/**
 * A latch for isAvailable(): open() resolves everyone who waits, fail() rejects them and whoever waits later.
 */
export class Availability {
  #waiting: { readonly promise: Promise<void>; readonly resolve: () => void; readonly reject: (reason: unknown) => void } | undefined
  #failure: { readonly reason: unknown } | undefined

  /** Settles at the next open() or fail(). */
  wait(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure.reason)
    this.#waiting ??= Promise.withResolvers<void>()
    return this.#waiting.promise
  }

  open(): void {
    this.#waiting?.resolve()
    this.#waiting = undefined
  }

  fail(reason: unknown): void {
    this.#failure ??= { reason }
    this.#waiting?.reject(reason)
    this.#waiting = undefined
  }

  /** Throws what fail() was given, if it was called. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure.reason
  }
}
