/**
 * Transfers among accounts, out of order and with failures: whatever is consistent adds up to 0. That is what each checkpoint committed, and
 * the balances of each savepoint, read as people read them.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, it } from 'vitest'
import { t } from '../../../src/base/columnar/t.ts'
import { seededRandom } from '../../../src/base/core/deterministic-globals.ts'
import { LocalFileSystem } from '../../../src/base/filesystem/local-file-system.ts'
import type { Environment } from '../../../src/program/api/environment.ts'
import { boundedOutOfOrderness } from '../../../src/program/api/watermarks.ts'
import { tumbling } from '../../../src/program/api/windows.ts'
import { generator } from '../../../src/program/connector/generator.ts'
import { sum } from '../../../src/program/function/aggregate.ts'
import type { Collector } from '../../../src/program/function/functions.ts'
import type { Sink } from '../../../src/program/function/sink.ts'
import { valueState } from '../../../src/program/function/state.ts'
import { headrace } from '../../front/cli/run-headrace.ts'
import { intoArray } from '../../support/into-array.ts'
import { type LocalJob, startJob, turn } from '../../support/local-job.ts'

const accounts = 20
const transfers = 12_000

interface Booking {
  readonly id: number
  readonly account: number
  readonly amount: number
  readonly at: number
}

/** The same for the same number. Times are out of order by up to a second. */
function transfer(id: number, seed: number) {
  const random = seededRandom(seed * 100_003 + id)
  const from = Math.floor(random() * accounts)
  return {
    id,
    from,
    to: (from + 1 + Math.floor(random() * (accounts - 1))) % accounts,
    amount: 1 + Math.floor(random() * 1_000),
    at: id * 10 + Math.floor(random() * 1_000),
  }
}

interface Bank {
  /** By checkpoint and subtask: the same batch again changes nothing. */
  readonly committed: Map<string, readonly Booking[]>
  readonly windows: { readonly windowStart: number; readonly total: number }[]
  readonly mayFail: () => void
}

const bank =
  ({ committed, windows, mayFail }: Bank, seed: number) =>
  (env: Environment): void => {
    const bookings = env
      .setParallelism(2)
      .fromSource(
        generator((id) => transfer(id, seed), { count: transfers, ratePerSecond: 8_000 }),
        {
          uid: 'transfers',
          watermarks: boundedOutOfOrderness(1_000, (row) => row.at),
        },
      )
      .flatMap(({ id, from, to, amount, at }) => [
        { id, account: from, amount: -amount, at },
        { id, account: to, amount, at },
      ])
    bookings
      .keyBy('account')
      .process(
        {
          state: { balance: valueState(t.float64) },
          processElement(booking: Booking, ctx, out: Collector<Booking>) {
            mayFail()
            ctx.state.balance.update((ctx.state.balance.value ?? 0) + booking.amount)
            out.collect(booking)
          },
        },
        { uid: 'book' },
      )
      .sinkTo(batches(committed), { uid: 'bookings' })
    bookings
      .map((booking) => ({ ...booking, all: true }))
      .keyBy('all')
      .window(tumbling(5_000))
      .aggregate({ total: sum('amount') }, { uid: 'windows' })
      .map(({ windowStart, total }) => ({ windowStart, total }))
      .sinkTo(intoArray(windows), { uid: 'totals' })
  }

const batches = (committed: Bank['committed']): Sink<any, { readonly id: string; readonly rows: readonly Booking[] }> => ({
  name: 'batches',
  createWriter(ctx) {
    let rows: Booking[] = []
    return {
      write: (row) => void rows.push(row),
      flush() {},
      prepareCommit(checkpointId) {
        const batch = { id: `${checkpointId}/${ctx.subtaskIndex}`, rows }
        rows = []
        return [batch]
      },
      close() {},
    }
  },
  createCommitter: () => ({
    commit(requests) {
      for (const { committable } of requests) committed.set(committable.id, committable.rows)
    },
  }),
})

const sumOf = (rows: readonly { readonly amount: number }[]): number => rows.reduce((total, { amount }) => total + amount, 0)

it.each([1, 2])('money is neither made nor lost, seed %i', { timeout: 120_000 }, async (seed) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'headrace-bank-'))
  try {
    const random = seededRandom(seed)
    const committed: Bank['committed'] = new Map()
    const windows: Bank['windows'] = []
    const mayFail = (): void => {
      if (random() < 0.0001) throw new Error('seeded')
    }
    const job = await startJob(bank({ committed, windows, mayFail }, seed), {
      fileSystem: new LocalFileSystem(),
      config: { 'execution.checkpointing.dir': path.join(folder, 'checkpoints'), 'execution.checkpointing.interval': 50 },
    })
    const savepoints = await savepointsOf(job, path.join(folder, 'savepoints'), 4)
    await job.client.result
    expect(job.client.numRestarts).toBeGreaterThan(0)

    const all = [...committed.values()].flat()
    expect(all.length).toBe(2 * transfers)
    expect(new Set(all.map(({ id, account }) => `${id} ${account}`)).size).toBe(2 * transfers)
    const checkpoints = new Set([...committed.keys()].map((id) => id.split('/')[0]))
    expect(checkpoints.size).toBeGreaterThan(3)
    for (const checkpoint of checkpoints) {
      const batch = [...committed].filter(([id]) => id.startsWith(`${checkpoint}/`)).flatMap(([, rows]) => rows)
      expect([checkpoint, sumOf(batch)]).toEqual([checkpoint, 0])
    }
    // Disorder stays within the bound, so that no window lacks a half of a transfer: both have one time.
    expect(windows.filter(({ total }) => total !== 0)).toEqual([])
    for (const savepoint of savepoints) {
      const { stdout, code } = await headrace('savepoint', 'inspect', savepoint, '--state', 'balance')
      expect(code).toBe(0)
      const balances = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { key: number; value: number })
      // The first of them may be so early that an account has no booking yet.
      expect(balances.length).toBeGreaterThanOrEqual(savepoint === savepoints.at(-1) ? accounts : 1)
      expect(balances.reduce((total, { value }) => total + value, 0)).toBe(0)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})

/** Some while the job runs, whatever fails between them. */
async function savepointsOf({ client }: LocalJob, folder: string, count: number): Promise<string[]> {
  const taken: string[] = []
  while (taken.length < count && client.status !== 'FINISHED') {
    // One that a failure ended is tried again.
    const path = await client.triggerSavepoint(folder).catch(() => undefined)
    if (path !== undefined) taken.push(path)
    for (let turns = 0; turns < 50; turns++) await turn()
  }
  expect(taken.length).toBe(count)
  return taken
}
