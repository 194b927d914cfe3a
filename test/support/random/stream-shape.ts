/**
 * What is known of a random program's stream while the rest of the program is chosen: which fields can be keys or numbers,
 * and whether what comes next may depend on order or time. Choices that would make the result depend on chance are not made.
 */
import type { KeyBy, SourceSpec, StepSpec } from './program-spec.ts'
import { keyExtras, numberExtras } from './source-rows.ts'

export interface Shape {
  /** Fields that are never null. */
  readonly keys: readonly string[]
  /** Fields that hold numbers or nulls. */
  readonly numbers: readonly string[]
  /** A field with a whole number in every row; '' where rows are values; undefined where nothing is done with the stream but to look at it. */
  readonly pivot: string | undefined
  /** Whether values are texts. */
  readonly text: boolean
  /** Whether every run gives the rows in the same order. */
  readonly ordered: boolean
  /** Whether rows have timestamps that are never late. */
  readonly timed: boolean
  /** Whether no two rows have the same `id`. */
  readonly unique: boolean
  /** Greatest disorder of the field ts in the order of rows; undefined: there is none, or it is not known. */
  readonly tsBound: number | undefined
  /** About how many rows. */
  readonly size: number
}

export function shapeOfSource(source: SourceSpec): Shape {
  const ordered = source.parallelism === 1 && source.kind !== 'splits'
  return {
    keys: ['k', 'w', 'v', 'id', ...keyExtras.filter((extra) => source.extras.includes(extra))],
    numbers: ['v', 'id', 'k', ...numberExtras.filter((extra) => source.extras.includes(extra))],
    pivot: 'id',
    text: false,
    ordered,
    timed: source.time !== 'none',
    unique: true,
    tsBound: ordered ? source.bound : undefined,
    size: source.rows,
  }
}

const nothing = { text: false, unique: false, tsBound: undefined }

/** Fields that hold the key in result rows. */
export const keyNames = (key: KeyBy | null): readonly string[] =>
  key === null ? [] : key.by === 'field' ? [key.field] : key.by === 'fields' ? key.fields : ['key']

export function shapeOfStep(step: StepSpec, shapes: readonly Shape[]): Shape {
  const shape = namedShape(step, shapes)
  return { ...shape, keys: [...new Set(shape.keys)], numbers: [...new Set(shape.numbers)] }
}

function namedShape(step: StepSpec, shapes: readonly Shape[]): Shape {
  const input = shapes['in' in step ? step.in : 'ins' in step ? step.ins[0]! : step.of]!
  const same: Shape = {
    ...input,
    ordered: input.ordered && step.parallelism === 1,
    tsBound: step.parallelism === 1 ? input.tsBound : undefined,
  }
  switch (step.op) {
    case 'map':
      return shapeOfMap(step, same)
    case 'filter':
    case 'split':
      return same
    case 'side':
      return input
    case 'flatMap':
      return { ...same, unique: false, size: input.size * 2 + (step.burst > 0 ? (input.size / 100 + 1) * step.burst : 0) }
    case 'route':
      return {
        ...same,
        unique: same.unique && step.how !== 'broadcast',
        size: input.size * (step.how === 'broadcast' ? step.parallelism : 1),
      }
    case 'union':
      return shapeOfUnion(step.ins.map((other) => shapes[other]!))
    case 'coMap': {
      const other = shapes[step.ins[1]]!
      const timed = input.timed && other.timed
      return {
        ...nothing,
        keys: ['from', 'pivot'],
        numbers: ['from', 'pivot'],
        pivot: 'pivot',
        ordered: false,
        timed,
        size: input.size + other.size,
      }
    }
    case 'join': {
      const size = (input.size * shapes[step.ins[1]]!.size) / step.mod
      return { ...nothing, keys: ['left', 'right'], numbers: ['left', 'right'], pivot: 'left', ordered: false, timed: false, size }
    }
    case 'rolling':
      return { ...same, unique: false, tsBound: undefined }
    case 'reduce':
      return { ...same, numbers: [...same.numbers, 'length'], tsBound: undefined }
    case 'running':
      return {
        ...same,
        ...nothing,
        keys: [...keyNames(step.key), 'seen'],
        numbers: ['seen'],
        pivot: 'seen',
        timed: input.timed && input.ordered,
      }
    case 'previous':
      return { ...same, ...nothing, keys: [...keyNames(step.key), 'now'], numbers: ['now', 'before'], pivot: 'now' }
    case 'tally':
      return {
        ...same,
        ...nothing,
        keys: [...keyNames(step.key), 'rows'],
        numbers: ['rows', 'total'],
        pivot: 'rows',
        ordered: false,
        timed: false,
      }
    case 'timers':
      return { ...same, ...nothing, keys: [...keyNames(step.key), 'at'], numbers: ['at', 'counted'], pivot: 'at', ordered: false }
    case 'retime':
      return { ...same, timed: true }
    case 'window':
      return shapeOfWindows(step, input)
    case 'countWindow':
      return { ...same, ...nothing, keys: [], numbers: [], pivot: undefined, ordered: false, timed: false }
  }
}

function shapeOfMap({ what, field }: Extract<StepSpec, { op: 'map' }>, same: Shape): Shape {
  const unique = same.unique && field === 'id'
  const made = { ...same, unique, tsBound: undefined }
  switch (what) {
    case 'add':
      return { ...same, keys: [...same.keys, 'plus'], numbers: [...same.numbers, 'plus'] }
    case 'narrow':
      return { ...made, keys: [field, 'odd'], numbers: [field, 'maybe'] }
    case 'wrap':
      return { ...made, keys: [field], numbers: [field] }
    case 'declared':
      return { ...made, keys: [field, 'name'], numbers: [field, 'half', 'none'] }
    case 'value':
      return { ...made, keys: [], numbers: same.text ? [] : [''], pivot: '', unique: false }
    case 'text':
      return { ...made, keys: [], numbers: [], pivot: '', text: true, unique: false }
  }
}

function shapeOfUnion(shapes: readonly Shape[]): Shape {
  const inAll = (names: (shape: Shape) => readonly string[]) =>
    names(shapes[0]!).filter((name) => shapes.every((shape) => names(shape).includes(name)))
  return {
    ...shapes[0]!,
    ...nothing,
    text: shapes[0]!.text,
    keys: inAll(({ keys }) => keys),
    numbers: inAll(({ numbers }) => numbers),
    ordered: false,
    timed: shapes.every(({ timed }) => timed),
    size: shapes.reduce((size, shape) => size + shape.size, 0),
  }
}

function shapeOfWindows({ key, windows, apply }: Extract<StepSpec, { op: 'window' }>, input: Shape): Shape {
  const result = {
    ...nothing,
    ordered: false,
    timed: windows.kind !== 'global',
    size: input.size * (windows.kind === 'sliding' ? Math.ceil(windows.size / windows.slide) : 1),
  }
  const frame = [...keyNames(key), 'windowStart']
  switch (apply.kind) {
    case 'aggregates':
      return { ...result, keys: frame, numbers: ['windowStart', ...apply.specs.map(({ name }) => name)], pivot: 'windowStart' }
    case 'user': {
      const pivot = { number: 'total', object: 'n', list: undefined }[apply.accumulator]
      return {
        ...result,
        keys: pivot === undefined ? [] : [pivot],
        numbers: apply.accumulator === 'object' ? ['n', 'none', 'low'] : pivot === undefined ? [] : [pivot],
        pivot,
      }
    }
    case 'reduce':
      if (!apply.process) return { ...result, keys: [apply.field], numbers: [apply.field, 'rows', 'high'], pivot: apply.field }
      return { ...result, keys: [...frame, 'alone'], numbers: ['windowStart', 'alone'], pivot: 'windowStart' }
    case 'process':
      return { ...result, keys: [...frame, 'values'], numbers: ['windowStart'], pivot: 'windowStart' }
    case 'rolling':
    case 'minBy':
    case 'maxBy':
      return { ...result, keys: input.keys, numbers: input.numbers, pivot: input.pivot }
  }
}
