/**
 * A keyed operator as source text for the head of a chain: its per-row work is written into the chain's generated loop,
 * over columns where it can, and its state is in typed tables. Each kernel behaves exactly like the plain operator of
 * the same descriptor.
 */
import type { ColumnBatch } from '../../../base/columnar/column-batch.ts'
import type { KeySpace, KeySpaceKind } from '../../state/key-space.ts'
import type { StreamOperator } from '../operator.ts'

/** How the text of a kernel reads the row at hand. */
export interface KernelRow {
  /** An expression for a field's value, null included; `undefined` where the stream has no such field. */
  field(name: string): string
  /** Whether that expression may be null. */
  isNullable(name: string): boolean
  /** Whether the expression, where it is not null, is a number whatever the row. */
  isNumber(name: string): boolean
  /** The row as an object: a variable, or a literal made on the spot. */
  readonly row: string
  readonly timestamp: string
}

/** The key at hand: `declare` puts variables `k` (table key) and `h` (hash) in scope. */
export interface KernelKey {
  readonly kind: KeySpaceKind
  readonly declare: string
  readonly k: string
  readonly h: string
  /** The key as the user knows it, straight from the row. */
  readonly value: string
}

/** Text that hands a result row on at once. `names`: the fields it has, if they are known to be exactly these. */
export type EmitText = (row: string, timestamp: string, names?: readonly string[]) => string

/** Text the compiler puts around the loop: `before` ahead of it (once a run), `row` for each row, `after` behind it. */
export interface KernelText {
  readonly before: string
  readonly row: string
  readonly after: string
  /**
   * A second form of `row` for a loop of its own inside the loop, which keeps variables in registers since nothing in it
   * calls, emits or fills an output. The text is for rows in a row as long as nothing unusual comes: then it breaks out of the
   * label `leave`, having written nothing of the row at hand.
   */
  readonly common?: {
    /** An expression: whether it may be entered. */
    readonly when: string
    readonly before: string
    row(leave: string): string
    /** Behind the loop, for the row it left at: does it whole and continues, or leaves it to the other form. */
    readonly left: string
  }
}

export interface KernelNames {
  /** Variable that holds the kernel object in generated code; also a suffix that makes its other names unique. */
  readonly kernel: string
  readonly id: string
  /** Whether writes must save pages for a snapshot in flight. */
  readonly saving: boolean
  /** A statement that ends the loop behind the row at hand: the text is stale from there. */
  readonly stop: string
}

export interface KeyedKernel extends StreamOperator {
  readonly keys: KeySpace
  /** Objects that its texts use, by name. */
  readonly bindings: Readonly<Record<string, unknown>>
  /** Fields (beside the key's) that the per-row text reads; undefined: it reads whole rows. */
  readonly fieldsRead: readonly string[] | undefined
  /** Whether a snapshot is in flight: loops are generated once for each answer. */
  readonly isSaving: boolean
  /** Makes tables able to hold keys of that kind. Called ahead of any loop that uses it. */
  requireKeyKind(kind: KeySpaceKind): void
  /** Makes tables able to hold what follows from rows like these. Called ahead of any loop over the batch, behind requireKeyKind. */
  requireRows?(batch: ColumnBatch): void
  /** Changes whenever texts made before are stale. */
  readonly layout?: string
  addText(names: KernelNames, row: KernelRow, key: KernelKey, emit: EmitText): KernelText
  /**
   * Source of a function body `(K) => boolean` that emits what is due, false when it stopped since the output filled up.
   * `emit(row, timestamp)` gives the text that hands a row on; `isFull` is an expression. Absent: the kernel emits through
   * its context's output only.
   */
  fireText?(names: KernelNames, emit: EmitText, isFull: string): string
  /** Receives the compiled fireText. */
  fireLoop?: (kernel: any) => boolean
}
