/**
 * Looks at the first record of each keyed input of a task that goes on from a snapshot of another run: under keys that can never equal
 * those of the snapshot, what the task took over would be lost in silence. Later records may have any key, as always.
 */
import { rowReader } from '../../base/columnar/column-batch.ts'
import { inferType } from '../../base/columnar/value-type.ts'
import type { KeySpec } from '../../program/graph/operator-descriptor.ts'
import type { ChainUnit } from '../chain/chain-input.ts'
import { keyOf } from '../operator/key-of.ts'
import { type FoundKeys, keyMisfit } from '../state/key-types.ts'

export class FirstKeys {
  readonly #operator: string
  readonly #found: FoundKeys
  readonly #specs: (KeySpec | undefined)[]

  /** `specs`: by input. */
  constructor(operator: string, found: FoundKeys, specs: readonly (KeySpec | undefined)[]) {
    this.#operator = operator
    this.#found = found
    this.#specs = [...specs]
  }

  /** Nothing is left to look at. */
  get isDone(): boolean {
    return this.#specs.every((spec) => spec === undefined)
  }

  /** Throws STATE_INCOMPATIBLE. */
  check(unit: ChainUnit): void {
    const spec = this.#specs[unit.input]
    if (spec === undefined || unit.rowCount === 0) return
    this.#specs[unit.input] = undefined
    const key = keyOfFirst(unit, spec)
    if (key === undefined || key === null) return
    const error = keyMisfit(this.#operator, this.#found, inferType(key))
    if (error !== undefined) throw error
  }
}

/** undefined where there is none: the chain's loop says what is wrong with it, and with which record. */
function keyOfFirst(unit: ChainUnit, spec: KeySpec): unknown {
  try {
    return keyOf(spec)(firstRow(unit))
  } catch {
    return undefined
  }
}

function firstRow(unit: ChainUnit): unknown {
  if (unit.form === 'batch') return rowReader(unit.batch)(unit.cursor)
  return unit.form === 'rows' ? unit.rows[unit.cursor] : unit.generate(unit.from)
}
