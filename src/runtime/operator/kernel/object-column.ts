/**
 * Objects beside typed tables, by a number that stands in the table: 0 is none. Given up places are given out again. While a
 * snapshot is open, what it needs is kept ahead of its first change or its giving up.
 */

/** How what is held is kept while its owner changes it in place. */
export interface Keeping {
  /** Whether values are arrays, whose items are rows of a snapshot. */
  readonly isList: boolean
  /** Called ahead of a change, for what the owner goes on with. */
  keep(value: unknown): unknown
  /** What was kept, as it was. */
  recall(kept: unknown): unknown
  /** What is given to others of a value that was kept. */
  handOut(value: unknown): unknown
}

export interface ObjectSnapshot {
  /** What the place held when the snapshot began; it must have been in use then. */
  valueAt(place: number): unknown
  release(): void
}

export class ObjectColumn {
  /** Place 0 stays empty. */
  readonly values: unknown[] = [undefined]
  readonly #free: number[] = []
  readonly #keeping: Keeping
  /** By place: what each open snapshot keeps, and of places that were not in use when it began, nothing. */
  #open: Map<number, unknown>[] = []

  constructor(keeping: Keeping) {
    this.#keeping = keeping
  }

  get isList(): boolean {
    return this.#keeping.isList
  }

  readonly hold = (value: unknown): number => {
    const place = this.#free.pop() ?? this.values.length
    // It was not in use when such a snapshot began, or it was kept when it was given up.
    for (const kept of this.#open) if (!kept.has(place)) kept.set(place, undefined)
    this.values[place] = value
    return place
  }

  /** Gives up a place. */
  readonly take = (place: number): unknown => {
    this.keepBefore(place)
    const value = this.values[place]
    this.values[place] = undefined
    this.#free.push(place)
    return this.#open.length === 0 ? value : this.#keeping.handOut(value)
  }

  /** Call ahead of each change of what a place holds. */
  readonly keepBefore = (place: number): void => {
    for (const kept of this.#open) if (!kept.has(place)) kept.set(place, this.#keeping.keep(this.values[place]))
  }

  beginSnapshot(): ObjectSnapshot {
    const kept = new Map<number, unknown>()
    this.#open.push(kept)
    return {
      valueAt: (place) => (kept.has(place) ? this.#keeping.recall(kept.get(place)) : this.values[place]),
      release: () => {
        this.#open = this.#open.filter((other) => other !== kept)
      },
    }
  }
}

/** For arrays that only grow while they are held. */
export const keptByLength: Keeping = {
  isList: true,
  keep: (value) => ({ rows: value as unknown[], length: (value as unknown[]).length }),
  recall: (kept) => {
    const { rows, length } = kept as { rows: unknown[]; length: number }
    return rows.slice(0, length)
  },
  handOut: (value) => (value as unknown[]).slice(),
}

/** For what may be changed anyhow. */
export const keptAsCopy = (copy: (value: unknown) => unknown): Keeping => ({
  isList: false,
  keep: copy,
  recall: (kept) => kept,
  handOut: (value) => value,
})
