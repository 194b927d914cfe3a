/**
 * What can be set on any operator, as the last argument of the method that makes it or by its setters later. Checked as
 * soon as it is written, so that the stack of an error points at the line.
 */
import type { Type } from '../../base/columnar/data-type.ts'
import { checkOptionNames } from '../../base/core/check-options.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import { highestMaxParallelism, isParallelism } from '../graph/max-parallelism.ts'
import type { ChainingStrategy } from '../graph/stream-graph.ts'
import type { OperatorSettings } from '../graph/stream-graph-builder.ts'
import type { Duration } from './durations.ts'

export interface OperatorOptions {
  /** For plans, metrics and messages. */
  readonly name?: string
  /** The identity of its state, unique in the job. */
  readonly uid?: string
  readonly description?: string
  readonly parallelism?: number
  /** Number of key groups. */
  readonly maxParallelism?: number
  /** Operators of different groups never share a slot. */
  readonly slotSharingGroup?: string
  /** 'head' starts a new chain, 'never' stands alone. */
  readonly chaining?: ChainingStrategy
  /** Longest time a record waits in an open batch; 0 sends after each input batch, -1 full batches only. */
  readonly bufferTimeout?: Duration
}

export interface TypedOperatorOptions<O> extends OperatorOptions {
  /** Declares the type of the rows that it emits, which is faster and safer than having it inferred. */
  readonly returns?: Type<O>
}

/** What an operator's options may name. */
export const operatorOptionNames = [
  'name',
  'uid',
  'description',
  'parallelism',
  'maxParallelism',
  'slotSharingGroup',
  'chaining',
  'bufferTimeout',
  'returns',
] as const satisfies readonly (keyof TypedOperatorOptions<unknown>)[]

/** Takes over what is set in `options`. */
export function applyOptions(settings: OperatorSettings, options: TypedOperatorOptions<any>): void {
  checkOptionNames(`Operator '${settings.name}'`, options, operatorOptionNames)
  const { name, uid, description, parallelism, maxParallelism, slotSharingGroup, chaining, bufferTimeout, returns } = options
  if (name !== undefined) settings.name = text('name', name, settings)
  if (uid !== undefined) settings.uid = text('uid', uid, settings)
  if (description !== undefined) settings.description = description
  if (parallelism !== undefined) settings.parallelism = checkParallelism(`Operator '${settings.name}'`, 'parallelism', parallelism)
  if (maxParallelism !== undefined)
    settings.maxParallelism = checkParallelism(`Operator '${settings.name}'`, 'max parallelism', maxParallelism)
  if (slotSharingGroup !== undefined) settings.slotSharingGroup = text('slot sharing group', slotSharingGroup, settings)
  if (chaining !== undefined) settings.chaining = checkChaining(chaining, settings)
  if (bufferTimeout !== undefined) settings.bufferTimeoutMs = checkBufferTimeout(`Operator '${settings.name}'`, bufferTimeout)
  if (returns !== undefined) settings.outputType = returns
}

export function checkParallelism(who: string, what: string, value: number): number {
  if (isParallelism(value)) return value
  throw new StreamError('INVALID_ARGUMENT', `${who} is given ${what} ${String(value)}`, {
    hint: `It must be a whole number from 1 to ${highestMaxParallelism}.`,
  })
}

export function checkBufferTimeout(who: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= -1) return value
  throw new StreamError('INVALID_ARGUMENT', `${who} is given a buffer timeout of ${String(value)}`, {
    hint: 'It must be a whole number of milliseconds; 0 sends after each input batch, -1 full batches only.',
  })
}

function checkChaining(value: ChainingStrategy, { name }: OperatorSettings): ChainingStrategy {
  if (value === 'always' || value === 'head' || value === 'never') return value
  throw new StreamError('INVALID_ARGUMENT', `Operator '${name}' is given chaining '${String(value)}'`, {
    hint: "It is 'always', 'head' or 'never'.",
  })
}

function text(what: string, value: string, { name }: OperatorSettings): string {
  if (typeof value === 'string' && value.trim() !== '') return value
  throw new StreamError('INVALID_ARGUMENT', `Operator '${name}' is given an empty ${what}`, { hint: 'Leave it out, or write a text.' })
}
