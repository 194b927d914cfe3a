/**
 * The source of a random program, with its watermarks and its declared type.
 */
import {
  boundedOutOfOrderness,
  collection,
  customWatermarks,
  type DataStream,
  type Environment,
  generator,
  noWatermarks,
  type Type,
  t,
  type WatermarkStrategy,
} from 'headrace'
import type { Extra, SourceSpec } from './program-spec.ts'
import { randomSource } from './random-source.ts'
import { rowOf, rowsOf } from './source-rows.ts'

export function addSource(env: Environment, spec: SourceSpec): DataStream<any> {
  const type = spec.declared ? typeOfRows(spec) : undefined
  const source =
    spec.kind === 'collection'
      ? collection(rowsOf(spec), { type })
      : spec.kind === 'generator'
        ? generator((i) => rowOf(spec, i), { count: spec.rows, type })
        : { ...randomSource(spec), ...(type && { type }) }
  return env.fromSource<any>(source, { parallelism: spec.parallelism, watermarks: strategyOf(spec) })
}

function strategyOf({ time, bound }: SourceSpec): WatermarkStrategy<any> | undefined {
  switch (time) {
    case 'function':
      return boundedOutOfOrderness(bound, (row: any) => row.ts)
    case 'field':
      return boundedOutOfOrderness<any>(bound, 'ts')
    case 'record':
      return boundedOutOfOrderness(bound)
    case 'end':
      return noWatermarks((row: any) => row.ts)
    case 'none':
      return undefined
    case 'punctuated':
      return customWatermarks<any>(
        () => {
          let latest = Number.NEGATIVE_INFINITY
          return {
            onEvent(_row, timestamp, output) {
              latest = Math.max(latest, timestamp)
              output.emitWatermark(latest - bound - 1)
            },
          }
        },
        (row) => row.ts,
      )
  }
}

const extraTypes: Readonly<Record<Extra, Type<any>>> = {
  f: t.float64,
  n: t.nullable(t.int32),
  g: t.nullable(t.float64),
  m: t.float64,
  b: t.boolean,
  t: t.string,
  x: t.any,
  o: t.struct({ a: t.int32, c: t.struct({ d: t.string, e: t.nullable(t.int32) }) }),
  l: t.list(t.nullable(t.int32)),
  big: t.bigint,
  d: t.date,
  blob: t.string,
  many: t.any,
  'it\'s "q"': t.int64,
}

function typeOfRows({ extras }: SourceSpec): Type<any> {
  const own = Object.fromEntries(extras.map((extra) => [extra, extraTypes[extra]]))
  return t.row({ id: t.int32, ts: t.timestamp, v: t.int32, k: t.int32, w: t.string, ...own })
}
