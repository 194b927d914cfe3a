/**
 * Savepoints as people use them: taken, restored at any parallelism and in a changed program, claimed, disposed of, damaged.
 */
import { describe, expect, it } from 'vitest'
import { t } from '../../../src/base/columnar/t.ts'
import type { ConfigInput } from '../../../src/base/core/config-options.ts'
import { MemoryFileSystem } from '../../../src/base/filesystem/memory-file-system.ts'
import { localExecutor } from '../../../src/cluster/local/local-executor.ts'
import { Environment } from '../../../src/program/api/environment.ts'
import { boundedOutOfOrderness } from '../../../src/program/api/watermarks.ts'
import { tumbling } from '../../../src/program/api/windows.ts'
import { discardSink } from '../../../src/program/connector/discard-sink.ts'
import { generator } from '../../../src/program/connector/generator.ts'
import { count } from '../../../src/program/function/aggregate.ts'
import type { Collector } from '../../../src/program/function/functions.ts'
import { type StateDeclaration, valueState } from '../../../src/program/function/state.ts'
import { readMetadata, removeCheckpoint } from '../../../src/runtime/checkpoint/checkpoint-storage.ts'
import { intoArray } from '../../support/into-array.ts'
import { checkpointOf, contentOf, type LocalJob, soon, startJob, turn, until } from '../../support/local-job.ts'

const keys = 7
const rows = 4_000

interface Seen {
  readonly key: number
  readonly seen: number
}

interface Shape {
  readonly parallelism?: number
  /** Rows a second. */
  readonly rate?: number
  readonly count?: number
  readonly state?: StateDeclaration
  /** Reads the number that a state holds, and makes it. */
  readonly read?: (value: any) => number
  readonly make?: (seen: number) => unknown
  readonly uid?: string
  /** States beside the count, written with each row. */
  readonly extra?: Readonly<Record<string, StateDeclaration>>
  readonly change?: (env: Environment) => void
  readonly failsAt?: () => boolean
}

/** Each key counts its rows: 1, 2, 3, ... */
const counting =
  (into: Seen[], { parallelism = 2, rate = 20_000, count: of = rows, uid = 'count', ...shape }: Shape = {}) =>
  (env: Environment): void => {
    const { state = valueState(), read = (value) => value, make = (seen) => seen, failsAt = () => false } = shape
    shape.change?.(env)
    env
      .setParallelism(parallelism)
      .fromSource(
        generator((n) => n, { count: of, ratePerSecond: rate }),
        { uid: 'numbers' },
      )
      .map((n) => ({ key: n % keys }))
      .keyBy('key')
      .process(
        {
          state: { seen: state as StateDeclaration<any>, ...shape.extra },
          processElement({ key }, ctx: any, out: Collector<Seen>) {
            if (failsAt()) throw new Error('seeded')
            const held = ctx.state.seen.value
            const seen = (held === null ? 0 : read(held)) + 1
            ctx.state.seen.update(make(seen))
            for (const name of Object.keys(shape.extra ?? {})) ctx.state[name].update(seen)
            out.collect({ key, seen })
          },
        },
        { uid },
      )
      .sinkTo(intoArray(into), { uid: 'rows' })
  }

const from = (savepoint: string, more: ConfigInput = {}): ConfigInput => ({ 'execution.state-recovery.path': savepoint, ...more })
const totalOf = (key: number): number => Math.floor(rows / keys) + (key < rows % keys ? 1 : 0)

/** Of each key exactly its last rows; those before are in the savepoint. Answers how many rows were there. */
function expectTheRest(seen: readonly Seen[]): number {
  for (let key = 0; key < keys; key++) {
    const own = seen
      .filter((row) => row.key === key)
      .map((row) => row.seen)
      .sort((a, b) => a - b)
    const total = totalOf(key)
    expect(own).toEqual(Array.from({ length: own.length }, (_, n) => total - own.length + n + 1))
  }
  return seen.length
}

const expectAll = (seen: readonly Seen[]): void => expect(expectTheRest(seen)).toBe(rows)
const errorOf = (promise: Promise<unknown>): Promise<any> =>
  promise.then(
    () => undefined,
    (error) => error,
  )

/** A job that has made some rows, and its savepoint, behind which it has stopped. */
async function stopped(fileSystem: MemoryFileSystem, into: Seen[], shape: Shape = {}): Promise<string> {
  const { client } = await startJob(counting(into, shape), { fileSystem })
  await until(() => into.length > 500)
  const path = await soon(client, () => client.stopWithSavepoint())
  expect(client.status).toBe('FINISHED')
  return path
}

const finished = async ({ client }: LocalJob): Promise<void> => void (await client.result)

describe('a savepoint of a running job', () => {
  it('is restored at any parallelism, while the job goes on', async () => {
    const fileSystem = new MemoryFileSystem()
    const all: Seen[] = []
    const first = await startJob(counting(all), { fileSystem })
    await until(() => all.length > 500)
    const savepoint = await soon(first.client, () => first.client.triggerSavepoint())
    const bytes = await contentOf(fileSystem, savepoint)
    for (const parallelism of [1, 2, 3, 5]) {
      const rest: Seen[] = []
      await finished(await startJob(counting(rest, { parallelism, rate: 1e6 }), { fileSystem, config: from(savepoint) }))
      const made = expectTheRest(rest)
      expect(made).toBeGreaterThan(0)
      expect(made).toBeLessThan(rows - 400)
    }
    await finished(first)
    expectAll(all)
    expect(await contentOf(fileSystem, savepoint)).toEqual(bytes)
  })

  it('stays what it was under two jobs at once that take checkpoints, fail and are restarted', async () => {
    const fileSystem = new MemoryFileSystem()
    const savepoint = await stopped(fileSystem, [])
    const bytes = await contentOf(fileSystem, savepoint)
    const both = [1, 3].map(async (parallelism) => {
      const rest: Seen[] = []
      let failures = 0
      const failsAt = (): boolean => rest.length > 500 && failures++ === 0
      const job = await startJob(counting(rest, { parallelism, failsAt }), { fileSystem, config: from(savepoint) })
      await checkpointOf(job)
      await finished(job)
      expect(job.client.numRestarts).toBe(1)
    })
    await Promise.all(both)
    expect(await contentOf(fileSystem, savepoint)).toEqual(bytes)
  })

  it('that is claimed goes when it is needed no more, and one that is not can be disposed of from then on', async () => {
    for (const claim of ['CLAIM', 'NO_CLAIM'] as const) {
      const fileSystem = new MemoryFileSystem()
      const savepoint = await stopped(fileSystem, [])
      const metadata = await readMetadata(savepoint, fileSystem)
      let fails = false
      const failsAt = (): boolean => {
        const now = fails
        fails = false
        return now
      }
      const rest: Seen[] = []
      const config = from(savepoint, { 'execution.state-recovery.claim-mode': claim })
      const job = await startJob(counting(rest, { failsAt, rate: 2_000 }), { fileSystem, config })
      const first = await checkpointOf(job)
      if (claim === 'NO_CLAIM') await removeCheckpoint(metadata, fileSystem)
      await checkpointOf(job)
      expect(await contentOf(fileSystem, savepoint)).toEqual({})
      fails = true
      await job.event((event) => event.on === 'restarted')
      expect(job.events.find((event) => event.on === 'restarting')).toMatchObject({ checkpointId: metadata.checkpointId + 2 })
      expect(first).toMatch(new RegExp(`chk-${metadata.checkpointId + 1}$`))
      await job.client.cancel()
    }
  })

  it('that is claimed stays where the job fails or is cancelled before a checkpoint of its own', async () => {
    const fileSystem = new MemoryFileSystem()
    const savepoint = await stopped(fileSystem, [])
    const bytes = await contentOf(fileSystem, savepoint)
    const config = from(savepoint, { 'execution.state-recovery.claim-mode': 'CLAIM', 'restart-strategy.type': 'none' })
    const failing = await startJob(counting([], { failsAt: () => true }), { fileSystem, config })
    await expect(failing.client.result).rejects.toThrow('seeded')
    expect(await contentOf(fileSystem, savepoint)).toEqual(bytes)
    await (await startJob(counting([], { rate: 10 }), { fileSystem, config })).client.cancel()
    expect(await contentOf(fileSystem, savepoint)).toEqual(bytes)
  })

  it('that was disposed of under a job without a checkpoint of its own is missed with clear words', async () => {
    const fileSystem = new MemoryFileSystem()
    const savepoint = await stopped(fileSystem, [])
    const rest: Seen[] = []
    const job = await startJob(counting(rest, { failsAt: () => rest.length > 300, rate: 2_000 }), { fileSystem, config: from(savepoint) })
    await until(() => rest.length > 0)
    await removeCheckpoint(await readMetadata(savepoint, fileSystem), fileSystem)
    const error = await errorOf(job.client.result)
    expect(error.message).toContain(savepoint)
    expect(['FILE_NOT_FOUND', 'STATE_INCOMPATIBLE']).toContain(error.code)
  })
})

it('a savepoint that a listener asks for when a checkpoint is complete overtakes none that is due', async () => {
  const all: Seen[] = []
  const job = await startJob(counting(all, { rate: 4_000 }), { config: { 'execution.checkpointing.interval': 10 } })
  const taken: Promise<string>[] = []
  job.client.onEvent(({ on }) => {
    if (on === 'checkpointCompleted' && taken.length < 5) taken.push(job.client.triggerSavepoint())
  })
  await Promise.all([job.client.result, until(() => taken.length === 5 || job.client.status === 'FINISHED').then(() => Promise.all(taken))])
  expect(taken.length).toBeGreaterThan(0)
  expectAll(all)
})

describe('a job that is stopped with a savepoint', () => {
  it.each([1, 2, 4])('goes on where it stood, at parallelism %i', async (parallelism) => {
    const fileSystem = new MemoryFileSystem()
    const all: Seen[] = []
    const savepoint = await stopped(fileSystem, all)
    const before = all.length
    expect(before).toBeLessThan(rows)
    await finished(await startJob(counting(all, { parallelism }), { fileSystem, config: from(savepoint) }))
    expect(all.length).toBeGreaterThan(before)
    expectAll(all)
  })

  interface Window {
    readonly windowEnd: number
    readonly count: number
  }
  const windows = (into: Window[]) => (env: Environment) =>
    env
      .setParallelism(2)
      .fromSource(
        generator((n) => ({ key: n % keys, at: n }), { count: rows, ratePerSecond: 20_000 }),
        {
          uid: 'numbers',
          watermarks: boundedOutOfOrderness(0, (row) => row.at),
        },
      )
      .keyBy('key')
      .window(tumbling(100_000))
      .aggregate({ count: count() }, { uid: 'windows' })
      .sinkTo(intoArray(into), { uid: 'rows' })

  it.each([true, false])('fires its windows if it is drained, and keeps them if not: drain %s', async (drain) => {
    const fileSystem = new MemoryFileSystem()
    const fired: Window[] = []
    const { client } = await startJob(windows(fired), { fileSystem })
    for (let turns = 0; turns < 50; turns++) await turn()
    const savepoint = await soon(client, () => client.stopWithSavepoint({ drain }))
    const sum = fired.reduce((counted, window) => counted + window.count, 0)
    if (drain) {
      expect(sum).toBeGreaterThan(0)
      expect(sum).toBe((await client.result).operators.find(({ name }) => name.startsWith('Source'))!.recordsOut)
      return
    }
    expect(fired).toEqual([])
    await finished(await startJob(windows(fired), { fileSystem, config: from(savepoint) }))
    expect(fired.length).toBe(keys)
    expect(fired.reduce((counted, window) => counted + window.count, 0)).toBe(rows)
  })

  it('is drained in a job that takes no checkpoints of its own', async () => {
    const seen: number[] = []
    const executor = localExecutor({ mode: 'inline', fileSystem: new MemoryFileSystem(), print: () => {} })
    const env = new Environment({ executor: async () => executor })
    const numbers = generator((n) => n, { count: Number.POSITIVE_INFINITY, ratePerSecond: 20_000 })
    env.fromSource(numbers, { uid: 'numbers' }).sinkTo(intoArray(seen), { uid: 'rows' })
    const client = await env.executeAsync('the job')
    await until(() => seen.length > 100)
    expect(await soon(client, () => client.stopWithSavepoint({ drain: true, directory: '/savepoints' }))).toMatch(/^\/savepoints\//)
    expect((await client.result).operators.find(({ name }) => name.startsWith('Source'))!.recordsOut).toBe(seen.length)
  })
})

describe('a changed program', () => {
  it('takes its state over by uid, and begins new operators without any', async () => {
    const fileSystem = new MemoryFileSystem()
    const all: Seen[] = []
    const savepoint = await stopped(fileSystem, all)
    const lengths: number[] = []
    const changed = (env: Environment): void => {
      const numbers = env.setParallelism(2).fromSource(
        generator((n) => n, { count: rows }),
        { uid: 'numbers' },
      )
      const keyed = numbers
        .filter((n) => n >= 0)
        .map((n) => ({ key: n % keys }))
        .keyBy('key')
      const process = (name: string) => ({
        state: { seen: valueState<number>() },
        processElement({ key }: { key: number }, ctx: any, out: Collector<Seen>) {
          const seen = (ctx.state.seen.value ?? 0) + 1
          ctx.state.seen.update(seen)
          if (name === 'old') out.collect({ key, seen })
          else lengths.push(seen)
        },
      })
      keyed.process(process('new'), { uid: 'new', name: 'new' }).sinkTo(discardSink())
      keyed.process(process('old'), { uid: 'count', name: 'under another name' }).sinkTo(intoArray(all), { uid: 'rows' })
    }
    const before = all.length
    await finished(await startJob(changed, { fileSystem, config: from(savepoint) }))
    expectAll(all)
    expect(lengths.length).toBe(rows - before)
    expect(Math.min(...lengths)).toBe(1)
  })

  it('is refused where state is left over, unless that may be dropped', async () => {
    const fileSystem = new MemoryFileSystem()
    const savepoint = await stopped(fileSystem, [])
    const bytes = await contentOf(fileSystem, savepoint)
    const rest: Seen[] = []
    const error = await errorOf(startJob(counting(rest, { uid: 'other' }), { fileSystem, config: from(savepoint) }))
    expect(error).toMatchObject({ code: 'STATE_INCOMPATIBLE', message: expect.stringContaining('uid count') })
    expect(error.hint).toContain('execution.state-recovery.ignore-unclaimed-state')
    const config = from(savepoint, { 'execution.state-recovery.ignore-unclaimed-state': true })
    await finished(await startJob(counting(rest, { uid: 'other' }), { fileSystem, config }))
    // The source went on, the counts began anew.
    expect(rest.length).toBeLessThan(rows)
    expect(Math.min(...rest.map(({ seen }) => seen))).toBe(1)
    expect(await contentOf(fileSystem, savepoint)).toEqual(bytes)
  })

  it('says which state the program does not declare any more, and drops it', async () => {
    const fileSystem = new MemoryFileSystem()
    const savepoint = await stopped(fileSystem, [], { extra: { old: valueState() } })
    const same = await startJob(counting([], { extra: { old: valueState() } }), { fileSystem, config: from(savepoint) })
    expect(same.client.restoredFrom?.dropped).toEqual([])
    await finished(same)
    const job = await startJob(counting([]), { fileSystem, config: from(savepoint) })
    expect(job.client.restoredFrom?.dropped).toEqual([{ operator: expect.any(String), state: 'old' }])
    await finished(job)
    const config = from(savepoint, { 'execution.state-recovery.ignore-unclaimed-state': true })
    const other = await startJob(counting([], { uid: 'other' }), { fileSystem, config })
    expect(other.client.restoredFrom?.dropped.map(({ state }) => state)).toEqual(expect.arrayContaining(['seen', 'old']))
    await finished(other)
  })

  const row = (fields: Parameters<typeof t.row>[0]) => valueState(t.row(fields)) as StateDeclaration
  const inRow: Shape = { read: (value) => value.seen, make: (seen) => ({ seen, note: `row ${seen}` }) }
  const evolutions: Record<string, readonly [before: Shape, after: Shape]> = {
    'int32 to float64': [{ state: valueState(t.int32) }, { state: valueState(t.float64) }],
    'int32 to a nullable int64': [{ state: valueState(t.int32) }, { state: valueState(t.nullable(t.int64)) }],
    'declared to inferred': [{ state: valueState(t.int32) }, {}],
    'inferred to declared': [{}, { state: valueState(t.float64) }],
    'a field more': [
      { ...inRow, state: row({ seen: t.int32, note: t.utf8 }) },
      {
        ...inRow,
        state: row({ seen: t.int32, note: t.utf8, more: t.int32 }),
        read: ({ seen, more }) => (more === 0 || more === seen ? seen : -1),
        make: (seen) => ({ seen, note: '', more: seen }),
      },
    ],
    'a field less': [
      { ...inRow, state: row({ seen: t.int32, note: t.utf8 }) },
      {
        ...inRow,
        state: row({ seen: t.int32 }),
        make: (seen) => ({ seen }),
        read: (value) => (Object.keys(value).length === 1 ? value.seen : -1),
      },
    ],
    'a field wider': [
      { ...inRow, state: row({ seen: t.int32, note: t.utf8 }) },
      { ...inRow, state: row({ seen: t.float64, note: t.nullable(t.utf8) }) },
    ],
  }

  it.each(Object.entries(evolutions))('takes over state whose type evolved: %s', async (_, [before, after]) => {
    const fileSystem = new MemoryFileSystem()
    const all: Seen[] = []
    const savepoint = await stopped(fileSystem, all, before)
    await finished(await startJob(counting(all, { ...after, parallelism: 3 }), { fileSystem, config: from(savepoint) }))
    expectAll(all)
  })

  const breaks: Record<string, readonly [before: Shape, after: Shape, found: string, wanted: string]> = {
    'a number to text': [{ state: valueState(t.int32) }, { state: valueState(t.utf8), make: String }, 't.int32', 't.utf8'],
    'float64 to int32': [{ state: valueState(t.float64) }, { state: valueState(t.int32) }, 't.float64', 't.int32'],
    'a field of another type': [
      { ...inRow, state: row({ seen: t.int32, note: t.utf8 }) },
      { ...inRow, state: row({ seen: t.utf8, note: t.utf8 }) },
      't.row({ seen: t.int32, note: t.utf8 })',
      't.row({ seen: t.utf8, note: t.utf8 })',
    ],
  }

  it.each(Object.entries(breaks))('is refused when it is planned, with both types: %s', async (_, [before, after, found, wanted]) => {
    const fileSystem = new MemoryFileSystem()
    const savepoint = await stopped(fileSystem, [], before)
    const bytes = await contentOf(fileSystem, savepoint)
    const error = await errorOf(startJob(counting([], after), { fileSystem, config: from(savepoint) }))
    expect(error.code).toBe('STATE_INCOMPATIBLE')
    for (const part of ['seen', found, wanted]) expect(error.message).toContain(part)
    expect(error.place.operator).toBeDefined()
    expect(error.message).toContain(error.place.operator)
    expect(await contentOf(fileSystem, savepoint)).toEqual(bytes)
  })

  it('is told with the first record that a declared type does not hold what was inferred', async () => {
    const fileSystem = new MemoryFileSystem()
    const savepoint = await stopped(fileSystem, [], { make: (seen) => `number ${seen}`, read: (value) => Number(value.slice(7)) })
    const job = startJob(counting([], { state: valueState(t.int32) }), { fileSystem, config: from(savepoint) })
    const error = await errorOf(job.then(({ client }) => client.result))
    expect(error.code).toBe('STATE_INCOMPATIBLE')
    for (const part of ['seen', 'utf8', 'int32', error.place.operator]) expect(error.message).toContain(part)
  })
})

describe('a savepoint that is damaged', () => {
  async function write(fileSystem: MemoryFileSystem, path: string, bytes: Uint8Array): Promise<void> {
    const writer = await fileSystem.create(path)
    await writer.write(bytes)
    await writer.close()
  }
  const damages: Record<string, (bytes: Uint8Array) => Uint8Array | undefined> = {
    missing: () => undefined,
    'cut short': (bytes) => bytes.subarray(0, bytes.length - 9),
    empty: () => new Uint8Array(0),
    'changed in one bit': (bytes) => bytes.with(bytes.length >> 1, bytes[bytes.length >> 1]! ^ 4),
    foreign: () => new TextEncoder().encode('{"format": "of someone else"}\n'),
    longer: (bytes) => Uint8Array.from([...bytes, 0]),
  }

  it.each(Object.entries(damages))('is refused with the file that is %s, and nothing of it is changed', async (_, damage) => {
    const fileSystem = new MemoryFileSystem()
    const savepoint = await stopped(fileSystem, [])
    const whole = await contentOf(fileSystem, savepoint)
    for (const [path, hex] of Object.entries(whole)) {
      const damaged = damage(new Uint8Array(Buffer.from(hex, 'hex')))
      if (damaged === undefined) await fileSystem.remove(path)
      else await write(fileSystem, path, damaged)
      const bytes = await contentOf(fileSystem, savepoint)
      const config = from(savepoint, { 'execution.state-recovery.claim-mode': 'CLAIM' })
      const error = await errorOf(startJob(counting([]), { fileSystem, config }).then(({ client }) => client.result))
      expect([error?.code, path]).toEqual([
        path.endsWith('_metadata.json') && damaged === undefined ? 'FILE_NOT_FOUND' : 'STATE_INCOMPATIBLE',
        path,
      ])
      expect(error.message).toContain(savepoint)
      expect(error.message).toContain(path.endsWith('.arrow') ? path.slice(savepoint.length + 1) : savepoint)
      expect(await contentOf(fileSystem, savepoint)).toEqual(bytes)
      await write(fileSystem, path, new Uint8Array(Buffer.from(hex, 'hex')))
    }
  })

  it('and is not there is refused, with its path', async () => {
    const error = await errorOf(startJob(counting([]), { config: from('/nowhere/savepoint-1') }))
    expect(error).toMatchObject({ code: 'FILE_NOT_FOUND', message: expect.stringContaining('/nowhere/savepoint-1') })
  })
})
