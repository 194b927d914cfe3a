/** A program whose keys have changed their type could never meet its state again: it is refused, not started with lost state. */
import { describe, expect, it } from 'vitest'
import type { Type } from '../../../src/base/columnar/data-type.ts'
import { t } from '../../../src/base/columnar/t.ts'
import { MemoryFileSystem } from '../../../src/base/filesystem/memory-file-system.ts'
import type { Environment } from '../../../src/program/api/environment.ts'
import { tumbling } from '../../../src/program/api/windows.ts'
import { discardSink } from '../../../src/program/connector/discard-sink.ts'
import { generator } from '../../../src/program/connector/generator.ts'
import { count } from '../../../src/program/function/aggregate.ts'
import { valueState } from '../../../src/program/function/state.ts'
import { type LocalJob, soon, startJob, until } from '../../support/local-job.ts'

interface Row {
  readonly key: any
  readonly at: number
}

const kinds = {
  process: (env: Environment, key: (n: number) => unknown, type?: Type<any>) =>
    keyed(env, key, type)
      .process({ state: { seen: valueState() }, processElement: (_, { state }) => state.seen.update(1) }, { uid: 'op' })
      .sinkTo(discardSink()),
  window: (env: Environment, key: (n: number) => unknown, type?: Type<any>) =>
    keyed(env, key, type).window(tumbling(1_000_000)).aggregate({ rows: count() }, { uid: 'op' }).sinkTo(discardSink()),
  'rolling sum': (env: Environment, key: (n: number) => unknown, type?: Type<any>) =>
    keyed(env, key, type).sum('at', { uid: 'op' }).sinkTo(discardSink()),
}

const keyed = (env: Environment, key: (n: number) => unknown, type?: Type<any>) =>
  env
    .setParallelism(2)
    .fromSource(
      generator((n): Row => ({ key: key(n), at: n }), { count: Infinity, ratePerSecond: 20_000, ...(type && { type }) }),
      { uid: 'rows', watermarks: { generator: { kind: 'bounded', outOfOrdernessMs: 0 }, timestamp: 'at' } },
    )
    .keyBy('key')

async function savepointOf(fileSystem: MemoryFileSystem, build: (env: Environment) => void): Promise<string> {
  const job = await startJob(build, { fileSystem })
  await hasRead(job)
  return soon(job.client, () => job.client.stopWithSavepoint())
}

/** Until some hundred rows are through, or it has failed. */
async function hasRead({ client }: LocalJob): Promise<void> {
  let records = 0
  client.onProgress(({ recordsIn }) => {
    records = recordsIn
  })
  await until(() => records > 500 || client.status === 'FAILED')
}

const from = (savepoint: string) => ({ 'execution.state-recovery.path': savepoint })
const errorOf = (promise: Promise<unknown>): Promise<any> =>
  promise.then(
    () => undefined,
    (error) => error,
  )

describe.each(Object.entries(kinds))('the keyed state of a %s', (_, build) => {
  it('is refused when the job is planned where both key types are known', async () => {
    const fileSystem = new MemoryFileSystem()
    const typed = (key: Type<any>) => t.row({ key, at: t.float64 })
    const savepoint = await savepointOf(fileSystem, (env) => build(env, (n) => `k${n % 7}`, typed(t.utf8)))
    const error = await errorOf(startJob((env) => build(env, (n) => n % 7, typed(t.int32)), { fileSystem, config: from(savepoint) }))
    expect(error?.code).toBe('STATE_INCOMPATIBLE')
    for (const part of ['State ', error.place.operator, 'keyed by t.int32 in the program', 'keyed by t.utf8 in the snapshot'])
      expect(error.message).toContain(part)
  })

  it('is refused at the first record where the program declares no type', async () => {
    const fileSystem = new MemoryFileSystem()
    const savepoint = await savepointOf(fileSystem, (env) => build(env, (n) => `k${n % 7}`))
    const job = await startJob((env) => build(env, (n) => n % 7), { fileSystem, config: from(savepoint) })
    const error = await errorOf(job.client.result)
    expect(error?.code).toBe('STATE_INCOMPATIBLE')
    for (const part of ['State ', error.place.operator, 'keyed by t.float64 in the program', 'keyed by t.utf8 in the snapshot'])
      expect(error.message).toContain(part)
  })

  it('goes on under numbers of another type, and under keys of many types that had some of them', async () => {
    for (const [before, after] of [
      [(n: number) => n % 7, (n: number) => (n % 7) + 0.5],
      [(n: number) => (n % 2 === 0 ? n % 7 : `k${n % 7}`), (n: number) => `k${n % 7}`],
    ] as const) {
      const fileSystem = new MemoryFileSystem()
      const savepoint = await savepointOf(fileSystem, (env) => build(env, before))
      const job = await startJob((env) => build(env, after), { fileSystem, config: from(savepoint) })
      await hasRead(job)
      expect(job.client.status).toBe('RUNNING')
      await job.client.cancel()
    }
  })
})
