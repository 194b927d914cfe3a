/** Whatever a user's function throws, wherever it stands: who failed, on what, and in which line of the program. */
import { describe, expect, test } from 'vitest'
import { failureOf, formNames } from './failure.ts'

const limitMs = 8000

/** The throw stands in line 4 of the program. */
const thrown = `{\n    throw new RangeError('no luck with ' + JSON.stringify(n))\n  }`
const program = (body: string) =>
  `import { monotonousTimestamps, boundedOutOfOrderness, generator, seconds, tumbling } from 'headrace'\nexport default (env) => {\n  ${body}\n}`
const numbers = 'env.fromSequence(1, 10)'
const keyed = `env.fromData([{ k: 1, t: 1000 }, { k: 1, t: 1500 }, { k: 1, t: 9000 }], { name: 'in', watermarks: monotonousTimestamps('t') }).keyBy('k')`
const windowed = `${keyed}.window(tumbling(seconds(5)))`
const reader = (methods: string) =>
  `{ start() {}, pollNext: () => 'nothing', isAvailable: () => new Promise(() => {}), addSplits() {}, notifyNoMoreSplits() {}, snapshotState: () => [], close() {}, ${methods} }`
const enumerator = (methods: string) =>
  `{ start() {}, addReader() {}, handleSplitRequest() {}, snapshotState() {}, close() {}, ${methods} }`
const source = (createEnumerator: string, createReader: string) =>
  `env.fromSource({ name: 'own', boundedness: 'bounded', createEnumerator: () => (${createEnumerator}), createReader: () => (${createReader}) }, { name: 'mine' }).print()`
const mine = `, { name: 'mine' }).print()`

const first = 'subtask 0, record 1 of a batch that begins at number 1'
const behind = "subtask 0, record 1 of a batch from subtask 0 of 'in'"
const failed = (what: string, value: string) => `headrace: ${what} of operator mine failed: RangeError: no luck with ${value}`

const cases: [string, string, string, string | undefined][] = [
  ['map', `${numbers}.map((n) => ${thrown}${mine}`, failed('map', '1'), first],
  ['filter', `${numbers}.filter((n) => ${thrown}${mine}`, failed('filter', '1'), first],
  ['flatMap', `${numbers}.flatMap((n) => ${thrown}${mine}`, failed('flatMap', '1'), first],
  ['process', `${numbers}.process((n) => ${thrown}${mine}`, failed('processElement', '1'), first],
  ['keyed process', `${keyed}.process((n) => ${thrown}${mine}`, failed('processElement', '{"k":1,"t":1000}'), behind],
  [
    'onTimer',
    `${keyed}.process({ processElement(r, c) { c.timerService.registerEventTimeTimer(5000) }, onTimer(n) ${thrown} }${mine}`,
    failed('onTimer', '5000'),
    'subtask 0',
  ],
  ['reduce', `${keyed}.reduce((n) => ${thrown}${mine}`, failed('reduce', '{"k":1,"t":1000}'), behind.replace('record 1', 'record 2')],
  [
    'add of an aggregate',
    `${windowed}.aggregate({ createAccumulator: () => 0, add(n, acc) ${thrown}, getResult: (a) => a, merge: (a, b) => a + b }${mine}`,
    failed('A window function', '{"k":1,"t":1000}'),
    behind,
  ],
  [
    'getResult of an aggregate',
    `${windowed}.aggregate({ createAccumulator: () => 0, add: (r, a) => a + 1, getResult(n) ${thrown}, merge: (a, b) => a + b }${mine}`,
    failed('A window function', '2'),
    'subtask 0',
  ],
  [
    'a window process function',
    `${windowed}.process((n) => ${thrown}${mine}`,
    failed('A window function', '[{"k":1,"t":1000},{"k":1,"t":1500}]'),
    'subtask 0',
  ],
  [
    'the timestamp assigner of a source',
    `env.fromData([7], { watermarks: boundedOutOfOrderness(0, (n) => ${thrown}), name: 'mine' }).print()`,
    failed('timestamp assigner', '7'),
    'subtask 0, record 1 of a batch that begins at item 0',
  ],
  [
    'a timestamp assigner in mid-stream',
    `${numbers}.assignTimestampsAndWatermarks(boundedOutOfOrderness(0, (n) => ${thrown})${mine}`,
    failed('timestamp assigner', '1'),
    first,
  ],
  ['open', `${numbers}.map({ open() { const n = 0; ${thrown} }, map: (n) => n }${mine}`, failed('open', '0'), 'subtask 0'],
  [
    'an async open that rejects',
    `${numbers}.map({ async open() { const n = 0; await null; ${thrown} }, map: (n) => n }${mine}`,
    failed('open', '0'),
    'subtask 0',
  ],
  ['close', `${numbers}.map({ close() { const n = 0; ${thrown} }, map: (n) => n }${mine}`, failed('close', '0'), 'subtask 0'],
  [
    'write of a sink',
    `${numbers}.sinkTo({ name: 'own', createWriter: () => ({ write(n) ${thrown}, flush() {}, close() {} }) }, { name: 'mine' })`,
    failed('write', '1'),
    first,
  ],
  [
    'an async write of a sink',
    `${numbers}.sinkTo({ name: 'own', createWriter: () => ({ async write(n) ${thrown}, flush() {}, close() {} }) }, { name: 'mine' })`,
    failed('write', '1'),
    first,
  ],
  [
    'createWriter of a sink',
    `${numbers}.sinkTo({ name: 'own', createWriter() { const n = 0; ${thrown} } }, { name: 'mine' })`,
    failed('createWriter', '0'),
    'subtask 0',
  ],
  [
    'pollNext of a reader',
    source(enumerator(''), reader(`pollNext() { const n = 0; ${thrown} }`)),
    failed('The source reader', '0'),
    'subtask 0',
  ],
  [
    'an async start of a reader',
    source(enumerator(''), reader(`async start() { const n = 0; await null; ${thrown} }`)),
    failed('The source reader', '0'),
    'subtask 0',
  ],
  [
    'start of an enumerator',
    source(enumerator(`start() { const n = 0; ${thrown} }`), reader('')),
    "headrace: The enumerator of source 'mine' failed during starting it: RangeError: no luck with 0",
    undefined,
  ],
  [
    'a custom partitioner',
    `env.fromSequence(1, 10, { name: 'mine' }).partitionCustom((n) => ${thrown}, (n) => n).map((n) => n, { parallelism: 2 }).print()`,
    "headrace: The key or partition function for the output of operator 'mine' failed: RangeError: no luck with 1",
    first,
  ],
]

describe.each(formNames)('%s: a user function that throws is named with its line', (form) => {
  test.each(cases)('%s', { timeout: limitMs }, async (_what, body, message, place) => {
    const { code, text } = await failureOf(program(body), form)
    const lines = text.split('\n')
    expect(code).toBe('USER_FUNCTION_FAILED')
    expect(lines[0]).toBe(message)
    if (place !== undefined) expect(lines[1]).toBe(`  at ${place}`)
    expect(lines.at(-1)).toBe('    at program.ts:4')
    expect(lines).toHaveLength(place === undefined ? 2 : 3)
  })

  test('the record is the one that failed, not the first', { timeout: limitMs }, async () => {
    const { place } = await failureOf(program(`${numbers}.map((n) => { if (n === 7) throw new Error('seven'); return n }${mine}`), form)
    expect(place).toMatchObject({ operator: 'mine', subtask: 0, record: 'record 7 of a batch that begins at number 1' })
  })

  test('endless recursion says so in a few lines', { timeout: limitMs }, async () => {
    const down = 'const down = (n) => 1 + down(n + 1)\n'
    const { text } = await failureOf(down + program(`${numbers}.map((n) => down(n)${mine}`), form)
    expect(text.split('\n')).toEqual([
      'headrace: map of operator mine failed: RangeError: Maximum call stack size exceeded',
      `  at ${first}`,
      // Where it ran out, and then its call of itself.
      '    at program.ts:1',
      '    at program.ts:1',
      expect.stringMatching(/^ {4}\.\.\. this frame \d+ times more$/),
    ])
  })

  const seventh = `if (n === 7) throw new RangeError('seven')`
  test.each([
    ['a custom partitioner', `.partitionCustom((n) => { ${seventh}; return 0 }, (n) => n).map((n) => n, { parallelism: 2 }).print()`],
    [
      'a custom partitioner of several rows',
      `.flatMap((n) => [n, n]).partitionCustom((n) => { ${seventh}; return 0 }, (n) => n).map((n) => n, { parallelism: 2 }).print()`,
    ],
    [
      'an async write',
      `.sinkTo({ name: 'own', createWriter: () => ({ async write(n) { await null; ${seventh} }, flush() {}, close() {} }) })`,
    ],
    [
      'an async write of several rows',
      `.flatMap((n) => [n, n]).sinkTo({ name: 'own', createWriter: () => ({ async write(n) { await null; ${seventh} }, flush() {}, close() {} }) })`,
    ],
    [
      'a row that is not of its type',
      `.map((n) => n === 7 ? 'x' : n, { returns: t.int32 }).rebalance().map((n) => n, { parallelism: 2 }).print()`,
    ],
    [
      'a row of several that is not of its type',
      `.flatMap((n) => n === 7 ? [n, n, 'x'] : [n], { returns: t.int32 }).rebalance().map((n) => n, { parallelism: 2 }).print()`,
    ],
  ])('the record is the one that failed, not the first: %s', { timeout: limitMs }, async (_what, calls) => {
    const { place } = await failureOf(program(`${numbers}${calls}`).replace('generator', 'generator, t'), form)
    expect(place).toMatchObject({ subtask: 0, record: 'record 7 of a batch that begins at number 1' })
  })

  test('what fails at the end, or as time moves on, came of no record', { timeout: limitMs }, async () => {
    const sink = `{ name: 'own', createWriter: () => ({ write() {}, async flush() { await null; throw new RangeError('flush') }, close() {} }) }`
    const atEnd = await failureOf(program(`${numbers}.sinkTo(${sink}, { name: 'mine' })`), form)
    expect(atEnd.place).toMatchObject({ operator: 'mine', subtask: 0 })
    expect(atEnd.place).not.toHaveProperty('record')
    const fires = `${windowed}.aggregate({ createAccumulator: () => 0, add: (r, a) => a + 1, getResult: (n) => n === 1 ? 'x' : n, merge: (a, b) => a + b }, { name: 'mine', returns: t.int32 })`
    const fired = await failureOf(
      program(`${fires}.rebalance().map((n) => n, { parallelism: 2 }).print()`).replace('generator', 'generator, t'),
      form,
    )
    expect(fired.code).toBe('TYPE_MISMATCH')
    expect(fired.place).toMatchObject({ operator: 'mine', subtask: 0 })
    expect(fired.place).not.toHaveProperty('record')
  })

  test.each([
    ["'just text'", '"just text"'],
    ['{ a: 1 }', '{"a":1}'],
    ['undefined', 'undefined'],
    ['12n', '12n'],
  ])('what is thrown need not be an Error: %s', { timeout: limitMs }, async (what, shown) => {
    const { code, text } = await failureOf(program(`${numbers}.map((n) => { throw ${what} }${mine}`), form)
    expect(code).toBe('USER_FUNCTION_FAILED')
    expect(text).toBe(`headrace: map of operator mine failed: it threw ${shown}, which is no Error and so has no stack\n  at ${first}`)
  })

  test.each([
    ['filter', 'filter((n) => Promise.resolve(n)'],
    ['flatMap', 'flatMap((n) => Promise.resolve([n])'],
    ['processElement', 'process((n) => Promise.resolve(n)'],
    ['map', 'map((n) => Promise.resolve(n)'],
  ])('a promise from %s is refused, and the hint names what may be async', { timeout: limitMs }, async (_what, call) => {
    const { text, place } = await failureOf(program(`${numbers}.${call}${mine}`), form)
    expect(text.split('\n')[0]).toMatch(/returned a promise/)
    expect(text).toContain('open and close may be async')
    expect(place).toMatchObject({ operator: 'mine', subtask: 0, record: 'record 1 of a batch that begins at number 1' })
  })
})

test('an async function is refused when the job is planned', async () => {
  const { code, text } = await failureOf(program(`${numbers}.map(async (n) => n${mine}`), 'inline')
  expect(code).toBe('INVALID_PROGRAM')
  expect(text).toBe(
    "headrace: The function of map() in operator 'mine' is async\n  It runs once a record and must return its result at once. open and close may be async, and so may sources and sinks: read there what answers later.",
  )
})

test('a collector that is used later ends the thread, which is told', { timeout: limitMs }, async () => {
  const body = `${numbers}.flatMap((n, out) => { setTimeout(() => out.collect(n), 1) }, { name: 'mine' }).union(env.fromSequence(1, 1e12)).filter(() => false).print()`
  const { code, text } = await failureOf(program(body), 'threads')
  expect(code).toBe('TASK_LOST')
  expect(text).toMatch(
    /^headrace: The thread of slot 0 of job 'headrace job' ended unexpectedly: Operator mine emitted a row outside of its turn\. It ran .*mine/,
  )
})
