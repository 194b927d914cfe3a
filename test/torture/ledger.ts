/**
 * A store with transactions, outside of every process, and the sink that writes into it: rows are prepared under an id at each barrier, and
 * count when that id is committed. Some rows wait in the writer's state for a later checkpoint.
 */
import type { RuntimeContext } from '../../src/program/function/runtime-context.ts'
import type { Sink, SinkWriter } from '../../src/program/function/sink.ts'
import type { Place } from './simulated-process.ts'

export class Ledger {
  readonly #prepared = new Map<string, readonly string[]>()
  readonly #committed = new Set<string>()

  prepare(id: string, rows: readonly string[]): void {
    if (this.#prepared.has(id)) throw new Error(`transaction ${id} is prepared a second time`)
    this.#prepared.set(id, rows)
  }

  /** false: it was before. */
  commit(id: string): boolean {
    if (!this.#prepared.has(id)) throw new Error(`transaction ${id} is committed, but was never prepared`)
    if (this.#committed.has(id)) return false
    this.#committed.add(id)
    return true
  }

  get rows(): readonly string[] {
    return [...this.#committed].flatMap((id) => this.#prepared.get(id)!)
  }
}

/** How the sink meets the world. */
export interface LedgerAccess {
  readonly ledger: Ledger
  at(place: Place): void
  outside<R>(effect: () => R): Promise<R>
}

interface Committable {
  readonly id: string
}

interface Waiting {
  readonly rows: readonly string[]
}

export function ledgerSink<T>(access: LedgerAccess, textOf: (row: T) => string): Sink<T, Committable, Waiting> {
  return {
    name: 'ledger',
    createWriter: (ctx) => new LedgerWriter(access, textOf, ctx, []),
    restoreWriter: (ctx, states) =>
      new LedgerWriter(
        access,
        textOf,
        ctx,
        states.flatMap(({ rows }) => rows),
      ),
    createCommitter: () => ({
      async commit(requests) {
        for (const request of requests) {
          access.at('commit')
          const isNew = await access.outside(() => access.ledger.commit(request.committable.id))
          access.at('commit')
          if (!isNew) request.signalAlreadyCommitted()
        }
      },
    }),
  }
}

class LedgerWriter<T> implements SinkWriter<T, Committable, Waiting> {
  readonly #access: LedgerAccess
  readonly #textOf: (row: T) => string
  readonly #ctx: RuntimeContext
  #rows: string[]
  #hasEnded = false

  constructor(access: LedgerAccess, textOf: (row: T) => string, ctx: RuntimeContext, waiting: readonly string[]) {
    access.at('open')
    this.#access = access
    this.#textOf = textOf
    this.#ctx = ctx
    this.#rows = [...waiting]
  }

  write(row: T): void | Promise<void> {
    this.#access.at('function')
    this.#rows.push(this.#textOf(row))
    // Now and then a write takes its time.
    if (this.#rows.length % 7 === 0) return this.#access.outside(() => undefined)
  }

  flush(endOfInput: boolean): Promise<void> {
    this.#hasEnded ||= endOfInput
    return this.#access.outside(() => undefined)
  }

  async prepareCommit(checkpointId: number): Promise<Committable[]> {
    this.#access.at('snapshot')
    const keeps = this.#hasEnded || checkpointId % 2 === 0 ? 0 : this.#rows.length >> 1
    const rows = this.#rows.splice(0, this.#rows.length - keeps)
    if (rows.length === 0) return []
    const { jobId, attemptNumber, operatorId, subtaskIndex } = this.#ctx
    const id = `${jobId}-${attemptNumber}-${operatorId}-${subtaskIndex}-${checkpointId}`
    await this.#access.outside(() => this.#access.ledger.prepare(id, rows))
    return [{ id }]
  }

  snapshotState(): Waiting[] {
    this.#access.at('snapshot')
    return this.#rows.length === 0 ? [] : [{ rows: [...this.#rows] }]
  }

  close(): void {}
}
