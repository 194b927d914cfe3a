/** What a function must not do to rows and to the plan, and loops that never end. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { headrace, start } from '../front/cli/run-headrace.ts'
import { failureOf, formNames, run } from './failure.ts'

const limitMs = 10_000
const main = (body: string) =>
  `import { tumbling, seconds, monotonousTimestamps } from 'headrace'\nexport default async (env, args) => {\n  ${body}\n}`
const hint =
  '  A row that was emitted belongs to the engine and must not change: return a new one, as in { ...row, total }. (execution.check-mutation finds this; it is on in inline mode.)'

describe('execution.check-mutation', () => {
  test.each([
    ['a row of the source', 'row.a = 5'],
    ['a new field', 'row.b = 5'],
    ['a field that is deleted', 'delete row.a'],
    ['a nested object', 'row.o.x = 2'],
    ['a nested list', 'row.l.push(2)'],
  ])('names the operator that changes %s', async (_what, change) => {
    for (const form of ['inline', 'interpreted'] as const) {
      const text = main(`env.fromData([{ a: 1, o: { x: 1 }, l: [1] }]).map((row) => { ${change}; return row }, { name: 'mine' }).print()`)
      const failure = await failureOf(text, form)
      expect(failure.place).toMatchObject({ operator: 'mine', subtask: 0, record: 'record 1 of a batch that begins at item 0' })
      expect(failure.text.split('\n')[0]).toMatch(/^headrace: map of operator mine failed: TypeError: Cannot /)
      expect(failure.text.split('\n').slice(1, 2)).toEqual([hint])
      expect(failure.text).toContain('    at program.ts:3')
    }
  })

  test.each(formNames)('finds a change of what another operator emitted, when it is on, %s', { timeout: limitMs }, async (form) => {
    for (const make of ['map((n) => ({ n }))', 'flatMap((n) => [{ n }])', 'process((n, ctx, out) => out.collect({ n }))']) {
      const text = main(`const shared = env.fromSequence(1, 3).${make}
  shared.filter((row) => { row.n++; return true }, { name: 'mine' }).print()
  shared.print()`)
      const failure = await failureOf(text, form, { config: { 'execution.check-mutation': true } })
      expect(failure.text.split('\n')[0]).toBe(
        "headrace: filter of operator mine failed: TypeError: Cannot assign to read only property 'n' of object '#<Object>'",
      )
    }
  })

  test('is off in threads unless set, and can be turned off inline', { timeout: limitMs }, async () => {
    const text = main('return env.fromData([{ a: 1 }]).map((row) => { row.a = 5; return row }).executeAndCollect()')
    expect((await run(text, { form: 'threads' })).value).toEqual([{ a: 5 }])
    expect((await run(text, { form: 'inline', config: { 'execution.check-mutation': false } })).value).toEqual([{ a: 5 }])
  })
})

const endless = '{ for (;;); }'
test.each([
  ['map', `env.fromSequence(1, 2).map(() => ${endless}).print()`],
  ['filter', `env.fromSequence(1, 2).filter(() => ${endless}).print()`],
  ['flatMap', `env.fromSequence(1, 2).flatMap(() => ${endless}).print()`],
  ['process', `env.fromSequence(1, 2).process(() => ${endless}).print()`],
  ['a key function', `env.fromSequence(1, 2).keyBy(() => ${endless}).process((n, ctx, out) => out.collect(n)).print()`],
  ['reduce', `env.fromData([{ k: 1 }, { k: 1 }]).keyBy('k').reduce(() => ${endless}).print()`],
  ['a timestamp assigner', `env.fromData([{ t: 1 }], { watermarks: monotonousTimestamps(() => ${endless}) }).print()`],
  ['a sink', `env.fromSequence(1, 2).sinkTo({ name: 'own', createWriter: () => ({ write: () => ${endless}, flush() {}, close() {} }) })`],
  ['open', `env.fromSequence(1, 2).map({ open: () => ${endless}, map: (n) => n }).print()`],
])('a loop that never ends can be cancelled: %s', { timeout: limitMs }, async (_what, body) => {
  let sentMs = 0
  const failure = await failureOf(main(body), 'threads', {
    config: { 'task.cancellation.timeout': 200 },
    onJob: (job) =>
      void setTimeout(() => {
        sentMs = performance.now()
        void job.cancel()
      }, 300),
  })
  expect(failure.code).toBe('CANCELLED')
  expect(failure.text).toBe("headrace: Job 'headrace job' was cancelled")
  expect(performance.now() - sentMs).toBeLessThan(2000)
})

test('a thread that is lost names the slot and what it ran', { timeout: limitMs }, async () => {
  const { code, text } = await failureOf(main('env.fromSequence(1, 1).map(() => process.exit(7), { name: "mine" }).print()'), 'threads')
  expect(code).toBe('TASK_LOST')
  expect(text.split('\n')[0]).toMatch(
    /^headrace: The thread of slot 0 of job 'headrace job' ended unexpectedly: .*exited with code: 7\. It ran .*mine/,
  )
  expect(text.split('\n')[1]).toBe(
    '  A user function that calls process.exit(), or throws outside of its call (in a timer, in a promise), ends the thread.',
  )
})

test('a plan that differs in a thread names the first operator', { timeout: limitMs }, async () => {
  const text = `import { isMainThread } from 'node:worker_threads'\n${main("env.fromData([1]).map((n) => n, { name: isMainThread ? 'one' : 'other' }).print()")}`
  const failure = await failureOf(text, 'threads')
  expect(failure.code).toBe('PLAN_MISMATCH')
  expect(failure.text.split('\n')[0]).toBe(
    'headrace: The program planned differently when it ran again: operator \'one\' has name "one" the first time and "other" the second',
  )
})

test('two jobs in one program: the second one that fails is the failure, the first one has its result', { timeout: limitMs }, async () => {
  const text = main(
    "const first = await env.fromData([1, 2]).executeAndCollect()\n  env.fromData(first).map((n) => { throw new Error('second ' + n) }, { name: 'mine' }).print()\n  await env.execute()",
  )
  for (const form of ['inline', 'threads'] as const) {
    const failure = await failureOf(text, form)
    expect(failure.text.split('\n')[0]).toBe('headrace: map of operator mine failed: Error: second 1')
    expect(failure.text).toContain('    at program.ts:4')
  }
})

describe('the command', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'headrace-command-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const file = (text: string): string => {
    const name = path.join(folder, 'program.ts')
    writeFileSync(name, text)
    return name
  }

  test('stops by ctrl-C while main never returns', { timeout: limitMs }, async () => {
    const running = start(['run', file("export default () => { console.log('begun'); for (;;); }"), '-p', '1'])
    await running.saw('begun')
    running.child.kill('SIGINT')
    const { code, signal } = await running.ended
    expect([code, signal]).toEqual([null, 'SIGINT'])
  })

  test('names the slot whose heap ran out, and the option', { timeout: limitMs }, async () => {
    const program = file(
      'const kept = []\nexport default (env) => void env.fromSequence(1, 1e9).map((n) => { kept.push({ n, text: "row " + n }); return n }, { name: "hoarder" }).filter(() => false).print()',
    )
    const { stderr, code } = await headrace('run', program, '-p', '1', '-D', 'taskmanager.memory.task.heap.size=48 mb')
    // On some allocations V8 ends the whole process instead of the thread (docs/design/local-execution.md); then the word is V8's.
    if (code === null) return expect(stderr).toMatch(/FATAL ERROR: .*heap out of memory/)
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /headrace: The thread of slot 0 of job 'program' ended unexpectedly: it ran out of heap memory\. It ran .*hoarder/,
    )
    expect(stderr).toContain('Raise taskmanager.memory.task.heap.size')
  })
})
