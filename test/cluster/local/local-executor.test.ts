import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { localExecutor } from '../../../src/cluster/local/local-executor.ts'
import { runProgram } from '../../support/run-program.ts'

const modes = ['inline', 'threads'] as const
const failed = (run: Promise<unknown>) =>
  run.then(
    () => {
      throw new Error('the program did not fail')
    },
    (thrown) => thrown,
  )

describe.each(modes)('a program run locally, %s', (mode) => {
  it('gives the rows of its collect sink back to main', async () => {
    const { value, jobs } = await runProgram('export default (env) => env.fromSequence(1, 5).map((n) => n * 10).executeAndCollect()', {
      mode,
    })
    expect(value.sort((a: number, b: number) => a - b)).toEqual([10, 20, 30, 40, 50])
    expect(jobs.map((job) => job.status)).toEqual(['FINISHED'])
  })

  it('sends rows to the subtask of their key, at another parallelism than their source', async () => {
    const { value } = await runProgram(
      `export default async (env, args) => {
        env.setParallelism(args.parallelism)
        const rows = env.fromData(Array.from({ length: 100 }, (_, n) => ({ key: 'k' + (n % 7), n })))
        const sums = await rows.keyBy('key').sum('n').executeAndCollect()
        const last = new Map()
        for (const { key, n } of sums) last.set(key, Math.max(n, last.get(key) ?? 0))
        return [...last].sort()
      }`,
      { mode, args: { parallelism: 3 } },
    )
    const expected = new Map<string, number>()
    for (let n = 0; n < 100; n++) expected.set(`k${n % 7}`, (expected.get(`k${n % 7}`) ?? 0) + n)
    expect(value).toEqual([...expected].sort())
  })

  it('prints to the console of whoever started it', async () => {
    const { lines } = await runProgram("export default (env) => void env.fromData(['a', 'b']).print()", { mode })
    expect([...lines].sort()).toEqual(['a', 'b'])
  })

  it('runs a script without a default export', async () => {
    const { lines } = await runProgram(
      "import { getEnvironment } from 'headrace'\nconst env = getEnvironment()\nenv.fromData([1, 2]).print()\nawait env.execute()",
      { mode },
    )
    expect([...lines].sort()).toEqual(['1', '2'])
  })

  it('runs a second job that uses what the first one collected', async () => {
    const { value, jobs } = await runProgram(
      `export default async (env) => {
        const first = await env.fromData([1, 2, 3]).executeAndCollect()
        const factor = first.length
        return env.fromData([1, 2]).map((n) => n * factor).executeAndCollect()
      }`,
      { mode },
    )
    expect(value).toEqual([3, 6])
    expect(jobs).toHaveLength(2)
  })

  it('fails with the operator and the line of the function that threw', async () => {
    const text =
      'export default (env) => {\n  env.fromData([1]).map((n) => {\n    throw new Error("no luck with " + n)\n  }, { name: "unlucky" }).print()\n}'
    const error = await failed(runProgram(text, { mode }))
    expect(error).toMatchObject({ code: 'USER_FUNCTION_FAILED', place: { operator: 'unlucky' } })
    expect(error.message).toContain('no luck with 1')
    expect(`${error.stack}\n${error.cause?.stack}`).toContain('program.ts:3')
  })

  it('counts what each operator took in and gave out', async () => {
    const { jobs } = await runProgram(
      'export default (env) => void env.fromSequence(1, 50).rebalance().filter((n) => n % 2 === 0).print()',
      { mode },
    )
    const { operators } = await jobs[0]!.result
    expect(operators[0]).toMatchObject({ recordsIn: 50, recordsOut: 50 })
    expect(operators[1]).toMatchObject({ recordsIn: 50 })
  })

  it('is refused when its channels do not fit into the network memory', async () => {
    const config = { 'taskmanager.memory.network.max': '10 kb' }
    const error = await failed(
      runProgram('export default (env) => void env.setParallelism(4).fromSequence(1, 5).rebalance().print()', { mode, config }),
    )
    expect(error).toMatchObject({ code: 'INVALID_CONFIG', place: { option: 'taskmanager.memory.network.max' } })
  })

  it('can be cancelled while a source has nothing to say', async () => {
    const text = `export default (env) => void env.fromSource({
      name: 'silent', boundedness: 'unbounded',
      createEnumerator: () => ({ start() {}, addReader() {}, handleSplitRequest() {}, snapshotState() {}, close() {} }),
      createReader: () => ({ start() {}, pollNext: () => 'nothing', isAvailable: () => new Promise(() => {}), addSplits() {}, notifyNoMoreSplits() {}, snapshotState: () => [], close() {} }),
    }).print()`
    const before = performance.now()
    const error = await failed(runProgram(text, { mode, onJob: (job) => void setTimeout(() => void job.cancel(), 200) }))
    expect(error).toMatchObject({ code: 'CANCELLED' })
    expect(performance.now() - before).toBeLessThan(1500)
  })
})

describe('a program run in threads', () => {
  const mode = 'threads'

  it('runs inline when there is no program that threads could load, and says so', () => {
    const executor = localExecutor({ mode })
    expect(executor.mode).toBe('inline')
    expect(executor.inlineReason).toContain('headrace run')
    expect(localExecutor({ mode: 'inline' }).inlineReason).toBeUndefined()
  })

  it('loses nothing that a user function wrote to the console', () => {
    const text =
      "export default (env) => void env.fromSequence(1, 2000).map((n) => { console.log('line ' + n); return n }).filter(() => false).print()"
    const host = new URL('../../support/program-host.ts', import.meta.url).href
    const script = `const { runProgram } = await import('${host}'); await runProgram(${JSON.stringify(text)}, { mode: 'threads' })`
    const written = execFileSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' })
    expect(written.match(/^line \d+$/gm)).toHaveLength(2000)
  })

  it('is cancelled even while a user function never returns', async () => {
    const text = 'export default (env) => void env.fromData([1]).map(() => { for (;;); }).print()'
    const error = await failed(
      runProgram(text, {
        mode,
        config: { 'task.cancellation.timeout': 100 },
        onJob: (job) => void setTimeout(() => void job.cancel(), 400),
      }),
    )
    expect(error).toMatchObject({ code: 'CANCELLED' })
  })

  it('is refused when it plans differently in a thread, naming the operator', async () => {
    const text =
      "import { isMainThread } from 'node:worker_threads'\nexport default (env) => void env.fromData([1]).map((n) => n, { name: isMainThread ? 'one' : 'other' }).print()"
    expect(await failed(runProgram(text, { mode }))).toMatchObject({ code: 'PLAN_MISMATCH', message: expect.stringContaining("'one'") })
  })

  it('sees the same time and random numbers in main of every thread', async () => {
    const text = `const loaded = [Date.now(), Math.random()]
      export default (env) => {
        const inMain = [Math.random(), new Date().getTime(), crypto.randomUUID()]
        env.fromData([1], { name: JSON.stringify([loaded, inMain]) }).print()
      }`
    const { jobs } = await runProgram(text, { mode })
    expect(jobs[0]!.status).toBe('FINISHED')
  })

  it('is lost with its thread, and says which', async () => {
    const text = "export default (env) => void env.fromData([1]).map(() => process.exit(7), { name: 'leaver' }).print()"
    expect(await failed(runProgram(text, { mode }))).toMatchObject({
      code: 'TASK_LOST',
      message: expect.stringMatching(/slot 0 .* exited with code: 7\. It ran .*leaver/),
    })
  })
})
