import { describe, expect, it } from 'vitest'
import { StreamError } from '../../../src/base/core/stream-error.ts'
import { Environment } from '../../../src/program/api/environment.ts'
import type { Executor, JobClient, JobExecutionResult } from '../../../src/program/api/executor.ts'
import { discardSink } from '../../../src/program/connector/discard-sink.ts'
import { withoutSnapshots } from '../../support/without-snapshots.ts'
import { thrownBy } from './thrown-by.ts'

type Job = Parameters<Executor['submit']>[0]

/** An executor whose jobs the test plays: it decides when rows arrive and how a job ends. */
class PlayedExecutor implements Executor {
  readonly jobs: Job[] = []
  readonly cancelled: number[] = []
  play: (job: Job, number: number) => Promise<unknown> = async () => undefined

  async submit(job: Job): Promise<JobClient> {
    const number = this.jobs.push(job) - 1
    const { promise: ended, reject } = Promise.withResolvers<never>()
    const result = Promise.race([ended, this.play(job, number).then(() => resultOf(number))])
    result.catch(() => undefined)
    const cancel = async (): Promise<void> => {
      this.cancelled.push(number)
      reject(new StreamError('CANCELLED', 'cancelled'))
    }
    return { jobId: `job ${number}`, status: 'RUNNING', result, cancel, onProgress: () => undefined, ...withoutSnapshots }
  }
}

const resultOf = (number: number): JobExecutionResult => ({
  jobId: `job ${number}`,
  jobName: 'n',
  netRuntimeMs: 1,
  counters: {},
  operators: [],
})

function played(): { env: Environment; executor: PlayedExecutor } {
  const executor = new PlayedExecutor()
  return { env: new Environment({ executor: async () => executor }), executor }
}

const collectIdOf = (job: Job): string => {
  const sinks = job.streamGraph.nodes.flatMap(({ operator }) => (operator.kind === 'sink' && operator.sink.collectId) || [])
  return sinks[0]!
}

describe('an environment', () => {
  it('hands the executor the plan under the name of the job', async () => {
    const { env, executor } = played()
    env.fromSequence(1, 3).sinkTo(discardSink())
    expect(await env.execute('delays')).toEqual(resultOf(0))
    env.configure({ 'pipeline.name': 'configured' }).fromSequence(1, 3).sinkTo(discardSink())
    await env.execute()
    expect(executor.jobs.map((job) => job.jobGraph.jobName)).toEqual(['delays', 'configured'])
    expect(executor.jobs[0]!.jobGraph.vertices.map((vertex) => vertex.name)).toEqual(['Source: sequence 1 to 3 -> Sink: discard'])
  })

  it('says which checkpoints its jobs take, as configuration', () => {
    const { env } = played()
    env.enableCheckpointing(10_000, { mode: 'atLeastOnce', dir: '/data', minPause: 500, retention: 'retainOnCancellation' })
    expect(env.config).toEqual({
      'execution.checkpointing.interval': 10_000,
      'execution.checkpointing.mode': 'AT_LEAST_ONCE',
      'execution.checkpointing.dir': '/data',
      'execution.checkpointing.min-pause': 500,
      'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION',
    })
    expect(played().env.configure({ 'execution.checkpointing.dir': '/kept' }).enableCheckpointing(50).config).toEqual({
      'execution.checkpointing.dir': '/kept',
      'execution.checkpointing.interval': 50,
    })
    expect(() => env.enableCheckpointing(1)).toThrow('execution.checkpointing.interval')
    expect(() => env.enableCheckpointing(50, { modus: 'x' } as object)).toThrow("enableCheckpointing() has no option 'modus'")
    expect(() => env.enableCheckpointing(50, { mode: 'often' } as object)).toThrow("mode is 'often'")
  })

  it('reads configuration by Flink keys, with the program over the client', () => {
    const env = new Environment({
      executor: async () => new PlayedExecutor(),
      config: { 'parallelism.default': '3', 'pipeline.name': 'x' },
    })
    expect(env.parallelism).toBe(3)
    env
      .setParallelism(4)
      .setBufferTimeout(0)
      .setAutoWatermarkInterval(50)
      .setMaxParallelism(256)
      .configure({ 'execution.codegen': 'false' })
    expect(env.config).toEqual({
      'parallelism.default': 4,
      'pipeline.name': 'x',
      'execution.buffer-timeout.interval': 0,
      'pipeline.auto-watermark-interval': 50,
      'pipeline.max-parallelism': 256,
      'execution.codegen': false,
    })
  })

  it('names the nearest key for an unknown one', () => {
    const error = thrownBy(() => played().env.configure({ 'paralelism.default': 2 }))
    expect(error).toMatchObject({ code: 'INVALID_CONFIG', message: 'Unknown option paralelism.default' })
    expect(error.hint).toContain('Did you mean parallelism.default?')
  })

  it('warns once of keys that only a JVM needs', async () => {
    const { env, executor } = played()
    env.configure({ 'env.java.opts': '-Xmx1g' }).fromSequence(1, 3).sinkTo(discardSink())
    await env.execute()
    expect(executor.jobs[0]!.jobGraph.warnings![0]).toContain('env.java.opts')
  })

  it('gives operators its parallelism at the time they are made, unless they have one', async () => {
    const { env, executor } = played()
    const two = env.setParallelism(2).fromSequence(1, 3)
    env.setParallelism(5)
    two.map((n) => n).map((n) => n, { parallelism: 7 })
    await env.execute()
    expect(executor.jobs[0]!.streamGraph.nodes.map((node) => node.parallelism)).toEqual([2, 5, 7])
  })

  it('refuses to execute nothing', async () => {
    const { env } = played()
    await expect(env.execute('empty')).rejects.toMatchObject({
      code: 'INVALID_PROGRAM',
      message: expect.stringContaining("'empty' has no operators"),
    })
    env.fromSequence(1, 3)
    await expect(env.execute()).rejects.toMatchObject({ code: 'INVALID_PROGRAM' })
  })

  it('runs in a second job what was said since the first, with the sources that it reads', async () => {
    const { env, executor } = played()
    const numbers = env.fromSequence(1, 3, { name: 'n' })
    numbers.map((n) => n, { name: 'first' })
    await env.execute()
    numbers.map((n) => n, { name: 'second' })
    await env.execute()
    expect(executor.jobs.map((job) => job.jobGraph.vertices.map((vertex) => vertex.name))).toEqual([['n -> first'], ['n -> second']])
    expect(executor.jobs[1]!.earlier).toMatchObject([{ outcome: { result: resultOf(0) }, collected: {}, client: { numRestarts: 0 } }])
    await expect(env.execute()).rejects.toMatchObject({ code: 'INVALID_PROGRAM' })
  })

  it('gives the failure of a job to who awaits it', async () => {
    const { env, executor } = played()
    const failure = new StreamError('USER_FUNCTION_FAILED', 'boom')
    executor.play = () => Promise.reject(failure)
    env.fromSequence(1, 3).sinkTo(discardSink())
    await expect(env.execute()).rejects.toBe(failure)
  })

  it('refuses what is no source and no sink', () => {
    const { env } = played()
    expect(thrownBy(() => env.fromSource({} as never))).toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect(thrownBy(() => env.fromSequence(1, 3).sinkTo(undefined as never))).toMatchObject({ code: 'INVALID_ARGUMENT' })
  })
})

describe('collecting rows', () => {
  it('runs the job and gives all rows', async () => {
    const { env, executor } = played()
    executor.play = async (job) => {
      job.onCollect!(collectIdOf(job), [1, 2])
      await Promise.resolve()
      job.onCollect!(collectIdOf(job), [3])
    }
    expect(await env.fromSequence(1, 3).executeAndCollect()).toEqual([1, 2, 3])
    expect(executor.cancelled).toEqual([])
  })

  it('cancels the job once it has the rows that were asked for', async () => {
    const { env, executor } = played()
    executor.play = async (job) => {
      job.onCollect!(collectIdOf(job), [1, 2, 3, 4])
      await new Promise(() => undefined)
    }
    expect(await env.fromSequence(1, 9).executeAndCollect(2)).toEqual([1, 2])
    expect(executor.cancelled).toEqual([0])
  })

  it('refuses a limit that is no number of rows', async () => {
    const { env } = played()
    for (const limit of [0, -1, 1.5, Number.NaN]) {
      await expect(env.fromSequence(1, 9).executeAndCollect(limit)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    }
  })

  it('hands rows on as they come, before the job has ended', async () => {
    const { env, executor } = played()
    const { promise, resolve } = Promise.withResolvers<void>()
    executor.play = async (job) => {
      job.onCollect!(collectIdOf(job), ['a'])
      await promise
      job.onCollect!(collectIdOf(job), ['b'])
    }
    const seen: unknown[] = []
    for await (const row of env.fromSequence(1, 9).collectAsync()) {
      seen.push(row)
      resolve()
    }
    expect(seen).toEqual(['a', 'b'])
  })

  it('cancels the job when the loop is left early', async () => {
    const { env, executor } = played()
    executor.play = async (job) => {
      job.onCollect!(collectIdOf(job), [1, 2])
      await new Promise(() => undefined)
    }
    for await (const _ of env.fromSequence(1, 9).collectAsync()) break
    expect(executor.cancelled).toEqual([0])
  })

  it('reads from a job that execute() began, after it has ended', async () => {
    const { env, executor } = played()
    executor.play = async (job) => job.onCollect!(collectIdOf(job), [1, 2])
    const rows = env.fromSequence(1, 2).collectAsync()
    await env.execute()
    const seen: number[] = []
    for await (const row of rows) seen.push(row)
    expect(seen).toEqual([1, 2])
    expect(executor.jobs).toHaveLength(1)
    expect(() => rows[Symbol.asyncIterator]()).toThrow('read a second time')
  })

  it('fails the reader with the failure of the job, after the rows that came', async () => {
    const { env, executor } = played()
    executor.play = async (job) => {
      job.onCollect!(collectIdOf(job), [1])
      throw new StreamError('USER_FUNCTION_FAILED', 'boom')
    }
    const seen: number[] = []
    const read = async (): Promise<void> => {
      for await (const row of env.fromSequence(1, 2).collectAsync()) seen.push(row)
    }
    await expect(read()).rejects.toThrow('boom')
    expect(seen).toEqual([1])
  })

  it('records what an earlier job collected for those who plan the next', async () => {
    const { env, executor } = played()
    executor.play = async (job, number) => number === 0 && job.onCollect!(collectIdOf(job), [5, 6])
    const [low] = await env.fromSequence(1, 2).executeAndCollect()
    env.fromSequence(1, low!).sinkTo(discardSink())
    await env.execute()
    expect(executor.jobs[1]!.earlier![0]!.collected).toEqual({ 'collect-1': [5, 6] })
  })

  it('refuses a later job when an earlier one collected too much to hand on', async () => {
    const { env, executor } = played()
    executor.play = async (job, number) => number === 0 && job.onCollect!(collectIdOf(job), new Array(100_001).fill(1))
    await env.fromSequence(1, 2).executeAndCollect()
    env.fromSequence(1, 2).sinkTo(discardSink())
    await expect(env.execute()).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  })
})
