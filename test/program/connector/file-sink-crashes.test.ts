/**
 * File sinks under checkpoints: wherever an attempt ends, in every operation on a file and between any two steps of a checkpoint, the
 * next ones publish each record once, and leave nothing unfinished behind.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openArrowIpc } from '../../../src/base/columnar/arrow-ipc.ts'
import { murmur3String } from '../../../src/base/core/hash.ts'
import type { FileSystem } from '../../../src/base/filesystem/file-system.ts'
import { LocalFileSystem } from '../../../src/base/filesystem/local-file-system.ts'
import { MemoryFileSystem } from '../../../src/base/filesystem/memory-file-system.ts'
import { arrowSink } from '../../../src/program/connector/arrow-sink.ts'
import { csvSink } from '../../../src/program/connector/csv-sink.ts'
import { jsonLinesSink } from '../../../src/program/connector/json-lines-sink.ts'
import { textSink } from '../../../src/program/connector/text-sink.ts'
import type { Sink } from '../../../src/program/function/sink.ts'
import { type Fault, type FaultPlan, type FaultyFileSystem, seededFaults } from '../../support/faulty-file-system.ts'
import { readFile } from '../../support/file-system-contract.ts'
import { filesBelow, SinkJob, type SinkJobOptions } from '../../support/sink-job.ts'

interface Row {
  readonly id: number
  readonly text: string
}

const rowOf = (id: number): Row => ({ id, text: `row ${id}` })

interface Case {
  readonly sink: (root: string) => Sink<Row, any, any>
  readonly ids: (fileSystem: FileSystem, path: string) => Promise<number[]>
  readonly job?: Partial<SinkJobOptions<Row>>
}

const linesOf = async (fileSystem: FileSystem, path: string) => (await readFile(fileSystem, path)).split('\n').slice(0, -1)
const jsonIds: Case['ids'] = async (fileSystem, path) => (await linesOf(fileSystem, path)).map((line) => JSON.parse(line).id)
const csvIds: Case['ids'] = async (fileSystem, path) => {
  const [header, ...lines] = await linesOf(fileSystem, path)
  if (header !== undefined) expect(header).toBe('id,text')
  return lines.map((line) => Number(line.split(',')[0]))
}
const arrowIds: Case['ids'] = async (fileSystem, path) => {
  const file = await fileSystem.open(path)
  const reader = await openArrowIpc(file, path)
  const ids: number[] = []
  for (let b = 0; b < reader.batchCount!; b++) {
    const batch = (await reader.readBatch(b))!
    const column = batch.columns.find(({ name }) => name === 'id')!
    for (let i = 0; i < batch.rowCount; i++) ids.push(Number((column.values as ArrayLike<number>)[i]))
  }
  await file.close()
  return ids
}

const cases: Readonly<Record<string, Case>> = {
  'a folder that rolls by time': {
    sink: (root) => jsonLinesSink<Row>({ path: `${root}/out/` }),
    ids: jsonIds,
    job: { checkpointMs: 25_000 },
  },
  'a folder that rolls by size, with a rescale': {
    sink: (root) => textSink<Row>({ path: `${root}/out/`, format: (row) => JSON.stringify(row), rolling: { sizeBytes: 60 } }),
    ids: jsonIds,
    job: { parallelism: [2, 3, 1] },
  },
  'a folder with buckets that rolls at each checkpoint': {
    sink: (root) =>
      csvSink<Row>({
        ...{ path: `${root}/out/`, bucketBy: (row: Row) => `rest=${row.id % 2}/${row.id % 3}`, rolling: { onCheckpoint: true } },
        ...{ prefix: 'csv', suffix: '.csv' },
      }),
    ids: csvIds,
    job: { parallelism: [1, 2] },
  },
  'a folder of Arrow files': { sink: (root) => arrowSink<Row>({ path: `${root}/out/`, suffix: '.arrow' }), ids: arrowIds },
  'one CSV file': { sink: (root) => csvSink<Row>({ path: `${root}/out/all.csv` }), ids: csvIds, job: { parallelism: [1] } },
  'one Arrow file': { sink: (root) => arrowSink<Row>({ path: `${root}/out/all.arrow` }), ids: arrowIds, job: { parallelism: [1] } },
}

function jobOf(fileSystem: FileSystem, root: string, { sink, job }: Case, rows = 16): SinkJob<Row> {
  return new SinkJob(fileSystem, { sink: sink(root), rows, rowOf, rowsPerCheckpoint: 3, parallelism: [2], ...job })
}

async function published(fileSystem: FileSystem, root: string, { ids }: Case): Promise<number[]> {
  const { visible } = await filesBelow(fileSystem, `${root}/out`)
  const found: number[] = []
  for (const path of visible) found.push(...(await ids(fileSystem, path)))
  return found.sort((a, b) => a - b)
}

/** What must hold between attempts: each record is seen at most once, and only if a completed checkpoint has it. */
async function checkBetween(job: SinkJob<Row>, root: string, tested: Case): Promise<void> {
  const seen = await published(job.files, root, tested)
  expect(new Set(seen).size).toBe(seen.length)
  expect(Math.max(-1, ...seen)).toBeLessThan(job.completed?.position ?? 0)
}

async function checkEnd(job: SinkJob<Row>, root: string, tested: Case): Promise<void> {
  expect(await published(job.files, root, tested)).toEqual(Array.from({ length: job.options.rows }, (_, i) => i))
  expect((await filesBelow(job.files, `${root}/out`)).hidden).toEqual([])
}

async function operationsOf(fileSystem: FileSystem, root: string, tested: Case, rows?: number): Promise<FaultyFileSystem['operations']> {
  const job = jobOf(fileSystem, root, tested, rows)
  let disk: FaultyFileSystem | undefined
  expect(await job.attempt(undefined, (its) => void (disk = its))).toBe(true)
  await checkEnd(job, root, tested)
  return disk!.operations
}

const at =
  (index: number, fault: Fault): FaultPlan =>
  (operation) =>
    operation.index === index ? fault : undefined

describe.each(Object.entries(cases))('%s', (_name, tested) => {
  const root = '/data'

  it('publishes each record once although the process dies at any operation, before, within or after it', async () => {
    const operations = await operationsOf(new MemoryFileSystem(), root, tested)
    for (const { index, action } of operations) {
      const ways: Fault[] = action === 'write' ? ['dies before', 'dies torn', 'dies after'] : ['dies before', 'dies after']
      for (const way of ways) {
        const job = jobOf(new MemoryFileSystem(), root, tested)
        expect(await job.attempt(at(index, way))).toBe(false)
        await checkBetween(job, root, tested)
        expect(await job.attempt()).toBe(true)
        await checkEnd(job, root, tested)
      }
    }
  })

  it('publishes each record once although any operation fails, whether it was made or not', async () => {
    const operations = await operationsOf(new MemoryFileSystem(), root, tested)
    for (const { index, action } of operations) {
      const ways: Fault[] = action === 'write' ? ['fails', 'torn', 'full', 'unconfirmed'] : ['fails', 'unconfirmed']
      for (const way of ways) {
        const job = jobOf(new MemoryFileSystem(), root, tested)
        await job.attempt(at(index, way))
        await checkBetween(job, root, tested)
        expect(await job.attempt()).toBe(true)
        await checkEnd(job, root, tested)
      }
    }
  })

  it('publishes each record once however many attempts die or fail, power cuts and slow disks included', async () => {
    const faults: Fault[] = ['fails', 'unconfirmed', 'torn', 'full', 'slow', 'dies before', 'dies torn', 'dies after']
    const life = fc.record({
      at: fc.integer({ min: 0, max: 120 }),
      fault: fc.constantFrom(...faults),
      cutPower: fc.boolean(),
      part: fc.double({ min: 0, max: 1, noNaN: true }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(life, { maxLength: 6 }), async (lives) => {
        const job = jobOf(new MemoryFileSystem(), root, tested, 25)
        let isDone = false
        for (const { at: index, fault, cutPower, part } of lives) {
          if (isDone) break
          let disk: FaultyFileSystem | undefined
          isDone = await job.attempt(at(index, fault), (its) => void (disk = its))
          if (disk!.isDead && cutPower) await disk!.powerCut(() => part)
          await checkBetween(job, root, tested)
        }
        if (!isDone) expect(await job.attempt()).toBe(true)
        await checkEnd(job, root, tested)
      }),
      { numRuns: 60 },
    )
  })
})

it('publishes each record once on a disk on which one operation in thirty goes wrong', async () => {
  const tested = cases['a folder that rolls by size, with a rescale']!
  const faults: Fault[] = ['fails', 'unconfirmed', 'torn', 'full', 'slow', 'dies after']
  await fc.assert(
    fc.asyncProperty(fc.integer(), async (seed) => {
      const job = jobOf(new MemoryFileSystem(), '/data', tested, 40)
      let draws = 0
      const plan = seededFaults(() => (murmur3String(`${seed} ${draws++}`) >>> 0) / 2 ** 32, 1 / 30, faults)
      while (!(await job.attempt(plan)) && job.attempts < 200) await checkBetween(job, '/data', tested)
      if (job.attempts === 200) expect(await job.attempt()).toBe(true)
      await checkEnd(job, '/data', tested)
    }),
    { numRuns: 30 },
  )
})

describe('on the local file system', () => {
  let root: string
  beforeEach(async () => void (root = await mkdtemp(join(tmpdir(), 'headrace-sink-'))))
  afterEach(() => rm(root, { recursive: true }))

  it.each(['a folder that rolls by size, with a rescale', 'one CSV file'])(
    'publishes each record of %s once, wherever it dies',
    async (name) => {
      const tested = cases[name]!
      const files = new LocalFileSystem()
      const operations = await operationsOf(files, `${root}/whole`, tested, 7)
      for (const { index } of operations) {
        const folder = `${root}/${index}`
        const job = jobOf(files, folder, tested, 7)
        expect(await job.attempt(at(index, 'dies before'))).toBe(false)
        await checkBetween(job, folder, tested)
        expect(await job.attempt()).toBe(true)
        await checkEnd(job, folder, tested)
      }
    },
  )
})
