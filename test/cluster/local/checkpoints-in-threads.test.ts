/**
 * Checkpoints of jobs in real threads, under what makes them hard: the output of their file sinks is exactly once.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CheckpointReport, JobClient, JobEvent } from '../../../src/program/api/executor.ts'
import type { Args, Flow, Row } from '../../fixtures/programs/recovery/flows.ts'
import { publishedRows } from '../../support/published-rows.ts'
import { runModule } from '../../support/run-program.ts'

const program = new URL('../../fixtures/programs/recovery/flows.ts', import.meta.url)

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'headrace-checkpoints-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const fast = {
  'execution.checkpointing.interval': 10,
  'execution.checkpointing.min-pause': 0,
  'restart-strategy.type': 'fixed-delay',
  'restart-strategy.fixed-delay.delay': 0,
  'restart-strategy.fixed-delay.attempts': 3,
}

interface Told {
  readonly job: JobClient
  readonly events: JobEvent[]
}

async function run(flows: readonly Flow[], config: Readonly<Record<string, unknown>> = {}, onJob?: (told: Told) => void): Promise<Told> {
  const args: Args = { output: `${folder}/`, flows, config: { ...fast, ...config } }
  let told: Told | undefined
  await runModule(program, {
    ...{ mode: 'threads', args },
    onJob(job) {
      const events: JobEvent[] = []
      job.onEvent((event) => void events.push(event))
      told = { job, events }
      onJob?.(told)
    },
  })
  return told!
}

const rowsOf = (name: string): readonly Row[] => publishedRows<Row>(path.join(folder, name))
const completed = ({ events }: Told): number => events.filter(({ on }) => on === 'checkpointCompleted').length
const byNumber = (rows: readonly Row[]): readonly Row[] => [...rows].sort((a, b) => a.n - b.n)

/** Numbers from 0 on, each once, and so counted. */
function expectExactlyOnce(name: string, rows: number): void {
  const sorted = byNumber(rowsOf(name))
  expect(sorted.map(({ n }) => n)).toEqual(Array.from({ length: rows }, (_, n) => n))
  expectCounted(sorted)
}

function expectCounted(sorted: readonly Row[]): void {
  for (const key of [0, 1, 2, 3, 4]) {
    const seen = sorted.filter((row) => row.key === key).map((row) => row.seen)
    expect(seen.sort((a, b) => a - b)).toEqual(seen.map((_, n) => n + 1))
  }
}

describe('a job in threads', () => {
  it('that is stopped with drain fires its windows and publishes all that its sources gave', { timeout: 60_000 }, async () => {
    let stopped: Promise<string> | undefined
    const { job } = await run([{ name: 'endless', ratePerSecond: 5_000, counts: true }], {}, (told) =>
      told.job.onEvent(({ on }) => {
        if (on === 'checkpointCompleted') stopped ??= told.job.stopWithSavepoint({ drain: true, directory: `${folder}/savepoints` })
      }),
    )
    expect(await stopped).toContain(`${folder}/savepoints/`)
    expect(job.status).toBe('FINISHED')
    const rows = byNumber(rowsOf('endless'))
    // The sources stopped each where it was.
    for (const source of [0, 1]) {
      const numbers = rows.map(({ n }) => n).filter((n) => n % 2 === source)
      expect(numbers.length).toBeGreaterThan(0)
      expect(numbers).toEqual(numbers.map((_, i) => 2 * i + source))
    }
    expectCounted(rows)
    expect(publishedRows<{ rows: number }>(path.join(folder, 'endless-windows')).map((row) => row.rows)).toEqual([rows.length])
  })

  it('that is restarted at-least-once loses nothing', { timeout: 60_000 }, async () => {
    const config = { 'execution.checkpointing.mode': 'AT_LEAST_ONCE' }
    const { job } = await run([{ name: 'all', rows: 4_000, isGated: true, failsAt: 3_000 }], config)
    expect(job.numRestarts).toBe(1)
    expect(new Set(rowsOf('all').map(({ n }) => n)).size).toBe(4_000)
  })

  it('restarts the pipeline that failed, and not the one in threads of its own', { timeout: 60_000 }, async () => {
    const flow = { rows: 4_000, isGated: true }
    const { job } = await run([
      { ...flow, name: 'calm' },
      { ...flow, name: 'failing', failsAt: 3_000 },
    ])
    expect(job.numRestarts).toBe(1)
    expectExactlyOnce('calm', 4_000)
    expectExactlyOnce('failing', 4_000)
    expect(new Set(rowsOf('calm').map(({ attempt }) => attempt))).toEqual(new Set([0]))
    expect(new Set(rowsOf('failing').map(({ attempt }) => attempt))).toEqual(new Set([0, 1]))
  })

  it('restarts pipelines that fail one after the other, each by itself', { timeout: 60_000 }, async () => {
    const flow = { rows: 4_000, isGated: true }
    const { job } = await run([
      { ...flow, name: 'early', failsAt: 2_000 },
      { ...flow, name: 'late', failsAt: 3_999, slowMs: 0 },
      { ...flow, name: 'calm' },
    ])
    expect(job.exceptions.length).toBe(2)
    for (const name of ['early', 'late', 'calm']) expectExactlyOnce(name, 4_000)
    expect(new Set(rowsOf('calm').map(({ attempt }) => attempt))).toEqual(new Set([0]))
  })

  it('takes two checkpoints at once, one behind the other without a pause', { timeout: 60_000 }, async () => {
    const config = { 'execution.checkpointing.max-concurrent-checkpoints': 2, 'web.checkpoints.history': 1000 }
    let asked: Promise<unknown> | undefined
    const told = await run([{ name: 'busy', rows: 40_000, ratePerSecond: 20_000, failsAt: 30_000 }], config, ({ job }) =>
      job.onEvent(({ on }) => {
        // Where one is taken within the interval, the periodic ones never meet. Declined where two are under way already.
        if (on === 'checkpointCompleted') asked ??= Promise.allSettled([job.triggerCheckpoint(), job.triggerCheckpoint()])
      }),
    )
    await asked
    expect(told.job.numRestarts).toBe(1)
    expectExactlyOnce('busy', 40_000)
    expect(completed(told)).toBeGreaterThan(5)
    const { checkpoints } = told.job
    const during = ({ triggeredMs }: CheckpointReport): number =>
      checkpoints.filter((other) => other.triggeredMs <= triggeredMs && other.triggeredMs + other.durationMs > triggeredMs).length
    expect(Math.max(...checkpoints.map(during))).toBe(2)
  })

  it('takes checkpoints between rows that are larger than a segment', { timeout: 60_000 }, async () => {
    const told = await run([{ name: 'large', rows: 600, ratePerSecond: 400, textLength: 200_000, failsAt: 400 }])
    expectExactlyOnce('large', 600)
    expect(rowsOf('large').every(({ text }) => text.length === 200_000)).toBe(true)
    expect(completed(told)).toBeGreaterThan(5)
  })

  it('completes checkpoints while a slow sink holds all of it back', { timeout: 60_000 }, async () => {
    const told = await run([{ name: 'slow', rows: 3_000, isGated: true, textLength: 10_000, slowMs: 1 }], {
      'taskmanager.memory.segment-size': '32 kb',
    })
    expectExactlyOnce('slow', 3_000)
    expect(completed(told)).toBeGreaterThan(2)
  })
})
