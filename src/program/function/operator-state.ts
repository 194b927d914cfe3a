/**
 * Operator state as a user declares it: state of a subtask, not of a key. A declaration is plain data; it says how a restored job
 * deals what its subtasks held to the subtasks that it has now.
 */
import type { Type } from '../../base/columnar/data-type.ts'
import type { RuntimeContext } from './runtime-context.ts'
import type { ListState, MapState } from './state.ts'

export type OperatorStateDeclaration<H = unknown> =
  | { readonly kind: 'list'; readonly scope: 'split' | 'union'; readonly type?: Type<unknown>; readonly __handle?: H }
  | {
      readonly kind: 'map'
      readonly scope: 'broadcast'
      readonly keyType?: Type<unknown>
      readonly type?: Type<unknown>
      readonly __handle?: H
    }

export type OperatorStateDeclarations = Readonly<Record<string, OperatorStateDeclaration>>
export type OperatorStateHandles<P extends OperatorStateDeclarations> = {
  readonly [N in keyof P]: P[N] extends OperatorStateDeclaration<infer H> ? H : never
}

/** What `open` of a process function learns beside where it runs. */
export interface OpenContext<P extends OperatorStateDeclarations = Record<never, never>> extends RuntimeContext {
  readonly operatorState: OperatorStateHandles<P>
  /** Whether the job goes on from a checkpoint or savepoint that holds something of this operator. */
  readonly isRestored: boolean
}

/**
 * A list whose elements are dealt out evenly to the subtasks of a restored job: each belongs to one of them.
 *
 * @example
 * numbers.process({
 *   operatorState: { buffer: operatorListState(t.float64) },
 *   processElement(n, ctx, out: Collector<number[]>) {
 *     const { buffer } = ctx.operatorState
 *     buffer.add(n)
 *     if (buffer.get().length < 100) return
 *     out.collect(buffer.get())
 *     buffer.clear()
 *   },
 * })
 */
export const operatorListState = <T>(type?: Type<T>): OperatorStateDeclaration<ListState<T>> => ({ kind: 'list', scope: 'split', type })

/** A list of which every subtask of a restored job gets the elements of all subtasks. `seen: unionListState(t.utf8)` */
export const unionListState = <T>(type?: Type<T>): OperatorStateDeclaration<ListState<T>> => ({ kind: 'list', scope: 'union', type })

/** A map that is the same in every subtask, since each changes it alike. `rules: broadcastState(t.utf8, t.float64)` */
export const broadcastState = <K, V>(keyType?: Type<K>, type?: Type<V>): OperatorStateDeclaration<MapState<K, V>> => ({
  ...{ kind: 'map', scope: 'broadcast' },
  keyType,
  type,
})
