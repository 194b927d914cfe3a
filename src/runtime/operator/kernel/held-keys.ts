/** What table keys stood for when a snapshot began: until its release no id is given up, and a space that widens keeps its ids. */
import type { KeySpace, KeySpaceKind } from '../../state/key-space.ts'

export class HeldKeys {
  readonly #kind: KeySpaceKind
  readonly #keys: KeySpace

  constructor(keys: KeySpace) {
    keys.hold()
    this.#kind = keys.kind
    this.#keys = keys
  }

  keyOf(key: number): unknown {
    return this.#kind === 'interned' ? this.#keys.values[key] : key
  }

  /** A column of keys. */
  column(keys: readonly unknown[]): Int32Array | Float64Array | readonly unknown[] {
    if (this.#kind === 'int32') return Int32Array.from(keys as number[])
    return this.#kind === 'float64' ? Float64Array.from(keys as number[]) : keys
  }

  release(): void {
    this.#keys.release()
  }
}
