/**
 * Random programs for fast-check: it makes lists of numbers, each of which chooses one of what is possible at its place.
 * Fewer and smaller numbers are shorter and plainer programs, which is what it shrinks to.
 */
import fc from 'fast-check'
import type { AggregateKind, ApplySpec, Extra, KeyBy, Placed, ProgramSpec, SourceSpec, StepSpec, WindowsSpec } from './program-spec.ts'
import { keyNames, type Shape, shapeOfSource, shapeOfStep } from './stream-shape.ts'

export interface ProgramLimits {
  readonly sources: number
  readonly steps: number
  /** Most rows of a source, in three sizes that are ever rarer. */
  readonly rows: readonly [number, number, number]
}

export const arbitraryProgram = ({ sources, steps, rows }: ProgramLimits): fc.Arbitrary<ProgramSpec> => {
  const choices = (length: number) => fc.array(fc.nat({ max: 0xffff }), { minLength: length, maxLength: length })
  const size = fc.oneof(
    { weight: 30, arbitrary: fc.nat({ max: rows[0] }) },
    { weight: 5, arbitrary: fc.nat({ max: rows[1] }) },
    { weight: 1, arbitrary: fc.nat({ max: rows[2] }) },
  )
  return fc
    .record({
      config: choices(6),
      sources: fc.array(fc.record({ size, turn: fc.nat({ max: 1000 }), seed: fc.nat({ max: 0xffff }), choices: choices(24) }), {
        minLength: 1,
        maxLength: sources,
      }),
      steps: fc.array(choices(24), { maxLength: steps }),
    })
    .map((recipe) => programOf(recipe))
}

type Recipe = {
  readonly config: readonly number[]
  readonly sources: readonly { readonly size: number; readonly turn: number; readonly seed: number; readonly choices: readonly number[] }[]
  readonly steps: readonly (readonly number[])[]
}

/** Takes one number for each choice. */
class Choices {
  readonly #numbers: readonly number[]
  #next = 0

  constructor(numbers: readonly number[]) {
    this.#numbers = numbers
  }

  number(below: number): number {
    return (this.#numbers[this.#next++] ?? 0) % below
  }

  of<T>(all: readonly T[]): T {
    return all[this.number(all.length)]!
  }

  /** True in one of so many cases. */
  oneIn(cases: number): boolean {
    return this.number(cases) === cases - 1
  }
}

function programOf(recipe: Recipe): ProgramSpec {
  const config = new Choices(recipe.config)
  const streams: (SourceSpec | StepSpec)[] = recipe.sources.map((source) => sourceOf(source, new Choices(source.choices)))
  const shapes = (streams as SourceSpec[]).map(shapeOfSource)
  const read = new Set<number>()
  for (const numbers of recipe.steps) {
    const made = stepOf(new Choices(numbers), shapes)
    if (made === undefined) continue
    const { parallelism, chaining } = made
    for (const step of made.op === 'split' ? [made, { op: 'side', parallelism, chaining, of: streams.length } as const] : [made]) {
      for (const input of 'ins' in step ? step.ins : 'in' in step ? [step.in] : []) read.add(input)
      shapes.push(shapeOfStep(step, shapes))
      streams.push(step)
    }
  }
  const kept = config.number(7)
  return {
    config: {
      codegen: config.of([true, true, true, false]),
      bufferTimeout: config.of([0, -1, 5]),
      segmentKb: config.of([128, 4]),
      chaining: !config.oneIn(6),
      maxParallelism: config.of([128, 128, 100, 3]),
    },
    streams,
    // All that nobody reads, and some that somebody does.
    sinks: streams.map((_, stream) => stream).filter((stream) => !read.has(stream) || (kept > 0 && stream % 7 === kept)),
  }
}

const extras: readonly Extra[] = ['f', 'n', 'g', 'm', 'b', 't', 'x', 'o', 'l', 'big', 'd', 'blob', 'many', `it's "q"`]

function sourceOf({ size, turn, seed }: Recipe['sources'][number], choose: Choices): SourceSpec {
  const kind = choose.of(['collection', 'generator', 'columns', 'records', 'splits'] as const)
  const parallelism = kind === 'collection' ? 1 : choose.of([1, 2, 3])
  const time = choose.of(['function', 'field', 'record', 'punctuated', 'end', 'none'] as const)
  const canSay = kind === 'columns' || kind === 'records' || kind === 'splits'
  const declared = choose.oneIn(3)
  const chosen = new Set(Array.from({ length: choose.number(5) }, () => choose.of(extras)))
  return {
    op: 'source',
    kind,
    rows: size,
    turn: Math.trunc((size * turn) / 1000),
    // Fields that a type does not declare are dropped.
    extras: [...chosen].filter((extra) => !declared || extra !== 'many'),
    seed,
    unit: choose.of([1000, 1, 7, 64, 3000]),
    parallelism,
    declared,
    start: choose.of([0, 1_000_000, -37]),
    step: choose.of([1, 0, 3, 10]),
    bound: choose.of([0, 5, 40]),
    time: time === 'record' && !canSay ? 'function' : time,
  }
}

const ops = [
  ...(['map', 'map', 'filter', 'flatMap', 'split', 'union', 'route', 'coMap', 'join', 'retime'] as const),
  ...(['rolling', 'reduce', 'running', 'timers', 'tally', 'previous', 'window', 'window', 'window', 'window', 'countWindow'] as const),
]

/** undefined: what was chosen does not suit the stream. */
function stepOf(choose: Choices, shapes: readonly Shape[]): StepSpec | undefined {
  const op = choose.of(ops)
  const parallelism = choose.of([1, 2, 3])
  const chaining = choose.of(['always', 'always', 'always', 'always', 'head', 'never'] as const)
  // Later streams more often than early ones.
  const stream = Math.max(choose.number(shapes.length), choose.number(shapes.length))
  const shape = shapes[stream]!
  const { pivot } = shape
  if (pivot === undefined || shape.size > 60_000) return undefined
  const placed = { parallelism, chaining }
  const base = { ...placed, in: stream }
  const mod = choose.of([2, 3, 10])
  switch (op) {
    case 'map':
      return {
        op,
        ...base,
        field: pivot,
        what:
          pivot === '' ? choose.of(['value', 'text'] as const) : choose.of(['add', 'narrow', 'wrap', 'declared', 'value', 'text'] as const),
      }
    case 'filter':
    case 'split':
      return { op, ...base, field: pivot, mod }
    case 'flatMap':
      return {
        op,
        ...base,
        field: pivot,
        how: choose.of(['array', 'collect', 'generator'] as const),
        mod: choose.of([2, 3]),
        burst: pivot === 'id' && shape.unique && shape.size <= 300 ? choose.of([0, 2500]) : 0,
      }
    case 'route':
      return { op, ...base, field: pivot, how: choose.of(['rebalance', 'rescale', 'shuffle', 'broadcast', 'global', 'custom'] as const) }
    case 'retime':
      return shape.tsBound === undefined ? undefined : { op, ...base, parallelism: 1, bound: shape.tsBound }
    case 'union':
    case 'coMap':
    case 'join':
      return binaryStep(op, choose, shapes, stream, placed)
    default:
      return keyedStep(op, choose, shape, base)
  }
}

function binaryStep(
  op: 'union' | 'coMap' | 'join',
  choose: Choices,
  shapes: readonly Shape[],
  stream: number,
  placed: Placed,
): StepSpec | undefined {
  const shape = shapes[stream]!
  if (op === 'union') {
    const alike = shapes.flatMap((other, at) => (other.pivot === shape.pivot && other.text === shape.text ? [at] : []))
    return { op, ...placed, ins: [stream, ...Array.from({ length: 1 + choose.number(2) }, () => choose.of(alike))] }
  }
  const others = shapes.flatMap((other, at) => (other.pivot !== undefined && !other.text ? [at] : []))
  const other = choose.of(others)
  if (shape.text || others.length === 0) return undefined
  const pair = { ...placed, ins: [stream, other] as const, fields: [shape.pivot!, shapes[other]!.pivot!] as const }
  if (op === 'coMap') return { op, ...pair }
  return shape.size * shapes[other]!.size > 2_000_000 ? undefined : { op, ...pair, mod: choose.of([1000, 101]) }
}

type KeyedOp = Extract<StepSpec, { key: KeyBy | null }>['op']

function keyedStep(op: KeyedOp, choose: Choices, shape: Shape, base: Placed & { readonly in: number }): StepSpec | undefined {
  const pivot = shape.pivot!
  const key = keyChoice(choose, shape)
  const onRows = pivot !== ''
  const small = shape.size <= 6000
  switch (op) {
    case 'rolling': {
      const kind = choose.of(['sum', 'min', 'max', 'minBy', 'maxBy'] as const)
      const field = choose.of(shape.numbers)
      return onRows && shape.ordered && small ? { op, ...base, key, kind, field, first: !choose.oneIn(3) } : undefined
    }
    case 'reduce':
      return onRows && shape.ordered && small ? { op, ...base, key, field: pivot } : undefined
    case 'running':
      return small ? { op, ...base, key, typed: choose.oneIn(2) } : undefined
    case 'tally':
      return shape.text ? undefined : { op, ...base, key, field: pivot, typed: choose.oneIn(2) }
    case 'previous':
      return shape.ordered && onRows && small ? { op, ...base, key, field: pivot, typed: choose.oneIn(2) } : undefined
    case 'timers':
      return shape.timed && shape.size <= 6000
        ? { op, ...base, key, size: choose.of([10, 1, 25, 1000]), typed: choose.oneIn(2) }
        : undefined
    case 'countWindow':
      return shape.ordered
        ? { op, ...base, key, size: 1 + choose.number(5), slide: choose.oneIn(2) ? null : 1 + choose.number(5), field: pivot }
        : undefined
    case 'window': {
      if (!shape.timed) return undefined
      const windows = windowsChoice(choose, shape)
      // Sessions that merge hold their rows in no order.
      const merges = windows.kind === 'session' || windows.kind === 'dynamicSession'
      const apply = applyChoice(choose, { ...shape, ordered: shape.ordered && !merges })
      // A row of aggregates has a windowStart of its own: the planner refuses another.
      const taken = apply.kind === 'aggregates' && keyNames(key).includes('windowStart')
      return { op, ...base, key: choose.oneIn(8) ? null : taken ? { by: 'function', field: pivot, how: 'value' } : key, windows, apply }
    }
  }
}

function keyChoice(choose: Choices, shape: Shape): KeyBy {
  const by = shape.keys.length === 0 ? 'function' : choose.of(['field', 'field', 'field', 'fields', 'function'] as const)
  if (by === 'field') return { by, field: choose.of(shape.keys) }
  if (by === 'fields' && shape.keys.length > 1) {
    const first = choose.number(shape.keys.length)
    const second = (first + 1 + choose.number(shape.keys.length - 1)) % shape.keys.length
    return { by, fields: [shape.keys[first]!, shape.keys[second]!] }
  }
  return {
    by: 'function',
    field: choose.of([shape.pivot!, ...(shape.keys.length > 0 ? [choose.of(shape.keys)] : [])]),
    how: choose.of(['value', 'rest', 'text', 'object'] as const),
  }
}

function windowsChoice(choose: Choices, shape: Shape): WindowsSpec {
  const kind = choose.of(['tumbling', 'sliding', 'sliding', 'session', 'dynamicSession', 'global'] as const)
  const size = choose.of([10, 1, 7, 30, 60])
  if (kind === 'tumbling') return { kind, size, offset: choose.of([0, 0, 1, -1]) % size }
  const slide = choose.of([5, 1, 3, 10, 20, 70])
  if (kind === 'sliding') return { kind, size, slide: Math.max(slide, Math.ceil(size / 12)), offset: choose.of([0, 0, 1, -1]) % slide }
  if (kind === 'session') return { kind, gap: choose.of([7, 16, 23, 33]) }
  const field = shape.pivot!
  return kind === 'dynamicSession' && field !== '' && !shape.text ? { kind: 'dynamicSession', field } : { kind: 'global' }
}

function applyChoice(choose: Choices, shape: Shape): ApplySpec {
  const pivot = shape.pivot!
  const kind = choose.of(['aggregates', 'aggregates', 'user', 'reduce', 'process', 'minBy', 'maxBy', 'rolling'] as const)
  const numbers = shape.numbers.filter((field) => field !== '')
  if (kind === 'user' && !shape.text) return { kind, accumulator: choose.of(['number', 'object', 'list'] as const), field: pivot }
  if (kind === 'reduce' && pivot !== '') return { kind, field: pivot, process: choose.oneIn(2) }
  if ((kind === 'minBy' || kind === 'maxBy') && shape.unique) return { kind, field: 'id' }
  if (kind === 'process') return { kind, field: pivot, inOrder: shape.ordered && !choose.oneIn(3), numbered: choose.oneIn(3) }
  if (kind === 'rolling' && shape.ordered && numbers.length > 0) {
    return { kind, op: choose.of(['sum', 'min', 'max', 'minBy', 'maxBy'] as const), field: choose.of(numbers), first: !choose.oneIn(3) }
  }
  const wanted: readonly AggregateKind[] = numbers.length === 0 ? ['count'] : ['count', 'sum', 'min', 'max', 'avg']
  const specs = Array.from({ length: 1 + choose.number(4) }, (_, at) => ({
    name: `agg${at}`,
    kind: choose.of(wanted),
    field: numbers.length === 0 ? '' : choose.of(numbers),
  }))
  return { kind: 'aggregates', specs }
}
