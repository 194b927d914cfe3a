/**
 * A program as plain data: every stream of it in order, sources first, each step naming the streams that it reads by their
 * numbers. What a spec holds is what a failing test prints, and what goes to task threads as the program's argument.
 *
 * A field named '' stands for the row itself, in streams of plain values.
 */
export type Extra = 'f' | 'n' | 'g' | 'm' | 'b' | 't' | 'x' | 'o' | 'l' | 'big' | 'd' | 'blob' | 'many' | `it's "q"`

export interface SourceSpec {
  readonly op: 'source'
  readonly kind: 'collection' | 'generator' | 'columns' | 'records' | 'splits'
  readonly rows: number
  /** From this row on fields change: late ones appear, numbers become fractions, texts or nulls. */
  readonly turn: number
  readonly extras: readonly Extra[]
  readonly seed: number
  /** Rows of a unit. */
  readonly unit: number
  readonly parallelism: number
  readonly declared: boolean
  /** Row i is at start + i * step, less up to `bound`. */
  readonly start: number
  readonly step: number
  readonly bound: number
  /** Who says the time: a strategy by function or field, the records themselves, a punctuated generator, only the end of input, nobody. */
  readonly time: 'function' | 'field' | 'record' | 'punctuated' | 'end' | 'none'
}

export type KeyBy =
  | { readonly by: 'field'; readonly field: string }
  | { readonly by: 'fields'; readonly fields: readonly string[] }
  /** The value, a rest of it, a text made of it, or an object around it. */
  | { readonly by: 'function'; readonly field: string; readonly how: 'value' | 'rest' | 'text' | 'object' }

export type WindowsSpec =
  | { readonly kind: 'tumbling'; readonly size: number; readonly offset: number }
  | { readonly kind: 'sliding'; readonly size: number; readonly slide: number; readonly offset: number }
  | { readonly kind: 'session'; readonly gap: number }
  | { readonly kind: 'dynamicSession'; readonly field: string }
  | { readonly kind: 'global' }

export type AggregateKind = 'count' | 'sum' | 'min' | 'max' | 'avg'

export type RollingKind = 'sum' | 'min' | 'max' | 'minBy' | 'maxBy'

export type ApplySpec =
  | {
      readonly kind: 'aggregates'
      readonly specs: readonly { readonly name: string; readonly kind: AggregateKind; readonly field: string }[]
    }
  /** The accumulator: one number, an object of numbers, or a list. */
  | { readonly kind: 'user'; readonly accumulator: 'number' | 'object' | 'list'; readonly field: string }
  | { readonly kind: 'reduce'; readonly field: string; readonly process: boolean }
  /** `inOrder`: the values as they came, else sorted; `numbered`: how many windows of the key fired so far, in state. */
  | { readonly kind: 'process'; readonly field: string; readonly inOrder: boolean; readonly numbered: boolean }
  /** Where order is known. */
  | { readonly kind: 'rolling'; readonly op: RollingKind; readonly field: string; readonly first: boolean }
  | { readonly kind: 'minBy' | 'maxBy'; readonly field: string }

/** Where a step runs. */
export interface Placed {
  readonly parallelism: number
  readonly chaining: 'always' | 'head' | 'never'
}

export type StepSpec = Placed &
  (
    | {
        readonly op: 'map'
        readonly in: number
        readonly field: string
        readonly what: 'add' | 'narrow' | 'wrap' | 'declared' | 'value' | 'text'
      }
    | { readonly op: 'filter'; readonly in: number; readonly field: string; readonly mod: number }
    | {
        readonly op: 'flatMap'
        readonly in: number
        readonly field: string
        readonly how: 'array' | 'collect' | 'generator'
        readonly mod: number
        readonly burst: number
      }
    /** Rows whose field divides by mod go to the side output, which is the next stream. */
    | { readonly op: 'split'; readonly in: number; readonly field: string; readonly mod: number }
    | { readonly op: 'side'; readonly of: number }
    | { readonly op: 'union'; readonly ins: readonly number[] }
    | {
        readonly op: 'route'
        readonly in: number
        readonly how: 'rebalance' | 'rescale' | 'shuffle' | 'broadcast' | 'global' | 'custom'
        readonly field: string
      }
    | { readonly op: 'coMap'; readonly ins: readonly [number, number]; readonly fields: readonly [string, string] }
    | { readonly op: 'join'; readonly ins: readonly [number, number]; readonly fields: readonly [string, string]; readonly mod: number }
    | {
        readonly op: 'rolling'
        readonly in: number
        readonly key: KeyBy
        readonly kind: RollingKind
        readonly field: string
        readonly first: boolean
      }
    | { readonly op: 'reduce'; readonly in: number; readonly key: KeyBy; readonly field: string }
    | { readonly op: 'running'; readonly in: number; readonly key: KeyBy; readonly typed: boolean }
    | { readonly op: 'timers'; readonly in: number; readonly key: KeyBy; readonly size: number; readonly typed: boolean }
    /** One row for each key, at the end of input. */
    | { readonly op: 'tally'; readonly in: number; readonly key: KeyBy; readonly field: string; readonly typed: boolean }
    /** Each row with what the row of its key before it held. */
    | { readonly op: 'previous'; readonly in: number; readonly key: KeyBy; readonly field: string; readonly typed: boolean }
    | { readonly op: 'retime'; readonly in: number; readonly bound: number }
    | { readonly op: 'window'; readonly in: number; readonly key: KeyBy | null; readonly windows: WindowsSpec; readonly apply: ApplySpec }
    | {
        readonly op: 'countWindow'
        readonly in: number
        readonly key: KeyBy
        readonly size: number
        readonly slide: number | null
        readonly field: string
      }
  )

export interface ProgramSpec {
  readonly config: {
    readonly codegen: boolean
    readonly bufferTimeout: number
    readonly segmentKb: number
    readonly chaining: boolean
    readonly maxParallelism: number
  }
  readonly streams: readonly (SourceSpec | StepSpec)[]
  /** Streams whose rows are compared. */
  readonly sinks: readonly number[]
}

/** A field of a row, or the row itself. */
export const fieldOf = (row: any, field: string): any => (field === '' ? row : row[field])
