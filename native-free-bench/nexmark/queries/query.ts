/**
 * What a query is: a DataStream program over the events, and how one of its rows is written in the canonical form (an
 * array in the order of the query's columns).
 */
import type { DataStream, Environment } from 'headrace'
import type { NexmarkOptions } from '../source.ts'

export interface Query<R = any> {
  build(env: Environment, events: NexmarkOptions): DataStream<R>
  /** Part of all events that its sources emit, counted once for each source that emits them. */
  readonly share: number
  columns(row: R): readonly (number | string)[]
}

export const query = <R>(definition: Query<R>): Query<R> => definition
