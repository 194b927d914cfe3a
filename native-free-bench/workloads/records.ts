/**
 * The records of all workloads, by their number i: the key is spread by a hash, the value and the timestamp follow from i.
 */
import { generator, t } from 'headrace'
import type { WorkloadOptions } from './workload.ts'

/** murmur3's finaliser. */
export function mix(i: number): number {
  let h = i | 0
  h ^= h >>> 16
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return h ^ (h >>> 16)
}

/** 0 to keys - 1, evenly. */
export const keyOf = (i: number, keys: number): number => Math.floor(((mix(i) >>> 0) * keys) / 4294967296)
/** Multiples of a half, so that sums are exact in any order. */
export const valueOf = (i: number): number => (i & 1023) * 0.5
/** A million records a second of event time. */
export const timeOf = (i: number): number => Math.floor(i / 1000)

export interface KeyValue {
  key: number
  value: number
}

export interface TimedValue {
  ts: number
  key: number
  v: number
}

const keyValueType = t.row({ key: t.int32, value: t.float64 })
const timedValueType = t.row({ ts: t.timestamp, key: t.int32, v: t.float64 })

export const keyValues = ({ records, keys, schema }: WorkloadOptions) =>
  generator((i): KeyValue => ({ key: keyOf(i, keys), value: valueOf(i) }), {
    count: records,
    type: schema === 'declared' ? keyValueType : undefined,
  })

export const timedValues = ({ records, keys, schema }: WorkloadOptions) =>
  generator((i): TimedValue => ({ ts: timeOf(i), key: keyOf(i, keys), v: valueOf(i) }), {
    count: records,
    type: schema === 'declared' ? timedValueType : undefined,
  })
