/**
 * A program whose right output is known: it counts per key, and its rows are each key's 1, 2, 3, ... A row that is lost or counted twice
 * changes them.
 */
import { type Environment, t, valueState } from 'headrace'
import { gated } from '../fixtures/programs/recovery/gated-source.ts'

const keys = 7

/** `gates`: how many rows of a subtask must be in a checkpoint before the next ones come. */
export const countingPerKey =
  ({ rows, gates }: { readonly rows: number; readonly gates: readonly number[] }) =>
  (env: Environment): Promise<readonly unknown[]> =>
    env
      .setParallelism(2)
      .fromSource(gated({ rows: rows / 2, gates }), { uid: 'numbers' })
      .map((n) => ({ key: n % keys, n }), { uid: 'keys' })
      .keyBy('key')
      .process({
        state: { seen: valueState(t.float64) },
        processElement(row, ctx, out) {
          const seen = (ctx.state.seen.value ?? 0) + 1
          ctx.state.seen.update(seen)
          out.collect({ key: row.key, seen })
        },
      })
      .executeAndCollect()

export const sortedRows = (rows: readonly unknown[]): readonly string[] => rows.map((row) => JSON.stringify(row)).sort()

/** What countingPerKey gives for so many rows. */
export const countedExactlyOnce = (rows: number): readonly string[] =>
  sortedRows(Array.from({ length: rows }, (_, n) => ({ key: n % keys, seen: Math.floor(n / keys) + 1 })))
