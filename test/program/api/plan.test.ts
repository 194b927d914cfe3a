import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { StreamError } from '../../../src/base/core/stream-error.ts'
import { getEnvironment } from '../../../src/program/api/current-environment.ts'
import type { Environment } from '../../../src/program/api/environment.ts'
import type { Executor, JobExecutionResult, RecordedExecution } from '../../../src/program/api/executor.ts'
import { plan, planProgram } from '../../../src/program/api/plan.ts'
import { runMain } from '../../../src/program/api/run-main.ts'
import { discardSink } from '../../../src/program/connector/discard-sink.ts'
import { withoutSnapshots } from '../../support/without-snapshots.ts'

const seed = { timeMs: Date.UTC(2026, 0, 1), random: 7 }
const realNow = Date.now
const realRandom = Math.random
const namesOf = ({ jobGraph }: Awaited<ReturnType<typeof plan>>) => jobGraph.vertices.map((vertex) => vertex.name)
const result: JobExecutionResult = { jobId: 'j', jobName: 'n', netRuntimeMs: 3, counters: { lines: 2 }, operators: [] }

afterEach(() => {
  expect(Date.now).toBe(realNow)
  expect(Math.random).toBe(realRandom)
})

describe('planning', () => {
  it('gives the plan of a main that leaves execute() to its runner', async () => {
    const planned = await plan((env: Environment, args: { to: number }) => void env.fromSequence(1, args.to).print(), { to: 5 }, { seed })
    expect(namesOf(planned)).toEqual(['Source: sequence 1 to 5 -> Sink: print to stdout'])
    expect(planned.streamGraph.nodes).toHaveLength(2)
  })

  it('ends at execute(): what follows is not run', async () => {
    let after = false
    const main = async (env: Environment) => {
      env.fromSequence(1, 2).print()
      await env.execute()
      after = true
    }
    await plan(main, {}, { seed })
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(after).toBe(false)
  })

  it('serves a script that calls getEnvironment()', async () => {
    const script = async () => {
      const env = getEnvironment({ 'parallelism.default': 3 })
      env.fromSequence(1, 2).print()
      await env.execute('script')
    }
    const { jobGraph } = await plan(script, undefined, { seed, config: { 'parallelism.default': 2 } })
    expect(jobGraph.jobName).toBe('script')
    expect(jobGraph.vertices[0]!.parallelism).toBe(3)
  })

  it('gives main the same time and random values each time', async () => {
    const drawn: unknown[][] = []
    const main = async (env: Environment) => {
      const first = [Date.now(), new Date().toISOString(), Math.random(), randomUUID()]
      await Promise.resolve()
      drawn.push([...first, Math.random()])
      env.fromData([Math.random()], { name: `rows ${Math.random()}` }).print()
    }
    const plans = [await plan(main, {}, { seed }), await plan(main, {}, { seed }), await plan(main, {}, { seed: { ...seed, random: 8 } })]
    expect(drawn[1]).toEqual(drawn[0])
    expect(drawn[0]![1]).toBe('2026-01-01T00:00:00.000Z')
    expect(drawn[2]![2]).not.toBe(drawn[0]![2])
    expect(plans[1]!.jobGraph.fingerprint).toBe(plans[0]!.jobGraph.fingerprint)
    expect(plans[2]!.jobGraph.fingerprint).not.toBe(plans[0]!.jobGraph.fingerprint)
  })

  it('plans one main at a time, since time and randomness are the process’s', async () => {
    const main = async (env: Environment) => {
      const before = Math.random()
      await new Promise((resolve) => setTimeout(resolve, 2))
      env.fromSequence(1, 2, { name: `n ${before} ${Math.random()}` }).print()
    }
    const [a, b] = await Promise.all([plan(main, {}, { seed }), plan(main, {}, { seed })])
    expect(b.jobGraph.fingerprint).toBe(a.jobGraph.fingerprint)
  })

  const twoJobs = async (env: Environment) => {
    const [first] = await env.fromSequence(1, 3, { name: 'first' }).executeAndCollect()
    env.fromSequence(1, first!, { name: `up to ${first}` }).print()
    const { counters } = await env.execute()
    env.fromSequence(1, 2, { name: `lines ${counters.lines}` }).print()
    await env.execute()
  }
  const collected: RecordedExecution = { outcome: { result }, collected: { 'collect-1': [9, 8] } }

  it('replays earlier executes, results and collected rows, up to the job that is asked for', async () => {
    expect(namesOf(await plan(twoJobs, {}, { seed }))).toEqual(['first -> Sink: collect'])
    expect(namesOf(await plan(twoJobs, {}, { seed, earlier: [collected] }))).toEqual(['up to 9 -> Sink: print to stdout'])
    const second: RecordedExecution = { outcome: { result }, collected: {} }
    expect(namesOf(await plan(twoJobs, {}, { seed, earlier: [collected, second] }))).toEqual(['lines 2 -> Sink: print to stdout'])
  })

  it('replays the failure of an earlier job, which main may catch', async () => {
    const main = async (env: Environment) => {
      env.fromSequence(1, 2).print()
      const failure = await env.execute().catch((error: StreamError) => error.code)
      env.fromSequence(1, 2, { name: `after ${failure}` }).print()
      await env.execute()
    }
    const error = new StreamError('USER_FUNCTION_FAILED', 'boom').toWire()
    expect(namesOf(await plan(main, {}, { seed, earlier: [{ outcome: { error }, collected: {} }] }))).toEqual([
      'after USER_FUNCTION_FAILED -> Sink: print to stdout',
    ])
  })

  it('refuses a main that executes fewer jobs than the first time', async () => {
    const main = async (env: Environment) => {
      env.fromSequence(1, 2).print()
      await env.execute()
    }
    await expect(plan(main, {}, { seed, earlier: [{ outcome: { result }, collected: {} }] })).rejects.toMatchObject({
      code: 'PLAN_MISMATCH',
      message: 'The program executed 1 jobs when it ran again, and at least 2 the first time',
    })
  })

  it('says that a main without operators has no job', async () => {
    await expect(plan(() => undefined, {}, { seed })).rejects.toMatchObject({ code: 'INVALID_PROGRAM' })
  })

  it('fails with what main throws, and plans the next one', async () => {
    const boom = new Error('boom')
    const failing = () => {
      throw boom
    }
    await expect(plan(failing, {}, { seed })).rejects.toBe(boom)
    await expect(plan((env) => void env.fromSequence(1, 2).print(), {}, { seed })).resolves.toBeDefined()
  })
})

describe('running main', () => {
  const executorOf = (onSubmit: () => void): Executor => ({
    async submit() {
      onSubmit()
      return {
        jobId: 'j',
        status: 'RUNNING',
        result: Promise.resolve(result),
        cancel: async () => undefined,
        onProgress: () => undefined,
        ...withoutSnapshots,
      }
    },
  })

  it('executes what main left behind, once', async () => {
    let jobs = 0
    const host = { executor: async () => executorOf(() => jobs++) }
    await runMain((env) => void env.fromSequence(1, 2).sinkTo(discardSink()), {}, host, seed).done
    expect(jobs).toBe(1)
    const executes = async (env: Environment) => {
      env.fromSequence(1, 2).sinkTo(discardSink())
      await env.execute()
    }
    await runMain(executes, {}, host, seed).done
    expect(jobs).toBe(2)
  })

  it('gives jobs the machine’s time, and main the plan’s before and after', async () => {
    const times: number[] = []
    const main = async (env: Environment) => {
      times.push(Date.now())
      env.fromSequence(1, 2).sinkTo(discardSink())
      await env.execute()
      times.push(Date.now())
    }
    await runMain(main, {}, { executor: async () => executorOf(() => times.push(Date.now())) }, seed).done
    expect(times[0]).toBe(seed.timeMs)
    expect(times[1]).toBeGreaterThan(seed.timeMs)
    expect(times[2]).toBe(seed.timeMs)
  })

  it('gives the machine its time back when main throws', async () => {
    const failing = async () => {
      throw new Error('boom')
    }
    await expect(runMain(failing, {}, { executor: async () => executorOf(() => undefined) }, seed).done).rejects.toThrow('boom')
  })
})

describe('planning a whole program', () => {
  const twoJobs = async (env: Environment) => {
    env.fromSequence(1, 2, { name: 'first' }).print()
    await env.execute('one')
    env.fromSequence(1, 2, { name: 'second' }).print()
    await env.execute('two')
  }
  const jobNames = ({ plans }: Awaited<ReturnType<typeof planProgram>>) => plans.map(({ jobGraph }) => jobGraph.jobName)

  it('gives the plan of each job', async () => {
    const program = await planProgram(twoJobs, {}, { seed })
    expect(program.plans.map(namesOf)).toEqual([[expect.stringContaining('first')], [expect.stringContaining('second')]])
    expect(program.failure).toBeUndefined()
  })

  it('keeps what it has when main fails without a result, and fails where there is none', async () => {
    const needsResult = async (env: Environment) => {
      env.fromSequence(1, 2).print()
      const { counters } = await env.execute('one')
      if (counters.lines === undefined) throw new Error('no lines')
    }
    const program = await planProgram(needsResult, {}, { seed })
    expect(jobNames(program)).toEqual(['one'])
    expect(program.failure).toMatchObject({ message: 'no lines' })
    await expect(planProgram(() => Promise.reject(new Error('at once')), {}, { seed })).rejects.toThrow('at once')
    await expect(planProgram(() => undefined, {}, { seed })).rejects.toMatchObject({ code: 'INVALID_PROGRAM' })
  })

  it('ends with a program that does not', async () => {
    const endless = async (env: Environment) => {
      for (;;) {
        env.fromSequence(1, 2).print()
        await env.execute()
      }
    }
    expect((await planProgram(endless, {}, { seed })).plans.length).toBe(100)
  })
})
