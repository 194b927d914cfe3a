/** What table keys stood for when a snapshot began: until its release no id is given up, and a space that widens keeps its ids. */
import type { KeySpace, KeySpaceKind } from '../../state/key-space.ts'
import { keyColumn } from '../../state/word-rows.ts'

export class HeldKeys {
  readonly #kind: KeySpaceKind
  readonly #keys: KeySpace

  constructor(keys: KeySpace) {
    keys.hold()
    this.#kind = keys.kind
    this.#keys = keys
  }

  /** Table keys as a column of the keys that they stand for. */
  column(keys: readonly number[]): Int32Array | Float64Array | readonly unknown[] {
    return keyColumn(this.#kind, this.#keys, keys)
  }

  release(): void {
    this.#keys.release()
  }
}
