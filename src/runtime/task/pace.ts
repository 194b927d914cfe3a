/**
 * How many rows may go ahead of a barrier in one piece, so that they are through in about `targetMs`: begins small, doubles while pieces
 * are fast, and shrinks at once when one was slow. A barrier waits for whole pieces only.
 */
export class Pace {
  /** Rows of the next piece. */
  rows = firstRows
  readonly #maxRows: number

  constructor(maxRows: number) {
    this.#maxRows = maxRows
  }

  /** A piece of `rows` rows took so long. */
  note(rows: number, tookMs: number): void {
    if (rows === 0) return
    if (tookMs > targetMs) this.rows = Math.max(1, Math.min(this.rows, Math.floor((rows * targetMs) / tookMs)))
    else if (rows >= this.rows) this.rows = Math.min(2 * this.rows, this.#maxRows)
  }
}

const targetMs = 50
const firstRows = 64
