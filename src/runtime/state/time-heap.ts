/** A binary heap of numbers, lowest first. Equal numbers may stand in it more than once. */
export class TimeHeap {
  #times: number[] = []

  get size(): number {
    return this.#times.length
  }

  /** The lowest, or +Infinity when empty. */
  get lowest(): number {
    return this.#times.length === 0 ? Number.POSITIVE_INFINITY : this.#times[0]!
  }

  push(time: number): void {
    const times = this.#times
    let at = times.length
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (times[parent]! <= time) break
      times[at] = times[parent]!
      at = parent
    }
    times[at] = time
  }

  /** Removes the lowest. */
  pop(): void {
    const times = this.#times
    const last = times.pop()
    if (last === undefined || times.length === 0) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= times.length) break
      if (child + 1 < times.length && times[child + 1]! < times[child]!) child++
      if (times[child]! >= last) break
      times[at] = times[child]!
      at = child
    }
    times[at] = last
  }

  /** Holds exactly these from now on. */
  rebuild(times: Iterable<number>): void {
    // A sorted array is a heap.
    this.#times = [...times].sort((a, b) => a - b)
  }
}
