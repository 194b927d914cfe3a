/**
 * How a value differs from a schema of Flink's description: another type, fields that are missing, fields that are not described. Null is let
 * pass for anything but numbers and booleans, as Flink sends it anywhere, and Java's readers are strict about those two alone.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

export interface Schema {
  readonly $ref?: string
  readonly type?: string
  readonly format?: string
  readonly enum?: readonly string[]
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema
  readonly oneOf?: readonly Schema[]
  readonly allOf?: readonly Schema[]
  readonly discriminator?: { readonly propertyName: string; readonly mapping: Readonly<Record<string, string>> }
}

interface Operation {
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, { readonly schema: Schema }>> }>>
}

const described: {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
} = parse(readFileSync(fileURLToPath(new URL('flink-rest-api.yml', import.meta.url)), 'utf8'))

const text: Schema = { type: 'string' }
const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` })
const listOf = (name: string): Schema => ({ type: 'array', items: ref(name) })
const long: Schema = { type: 'integer', format: 'int64' }

/** Where Flink breaks its own description, seen on the wire of a real cluster. */
const asOnTheWire: Readonly<Record<string, Schema>> = {
  MetricCollectionResponseBody: listOf('Metric'),
  AggregatedMetricsResponseBody: { type: 'array', items: { type: 'object', properties: { id: text } } },
  ApplicationID: text,
  SlotSharingGroupId: text,
  ProcessingMode: { type: 'string', enum: ['exactly_once', 'at_least_once'] },
  JobConfigInfo: { type: 'object', properties: { jid: text, name: text, 'execution-config': ref('ExecutionConfigInfo') } },
  JobResult: {
    type: 'object',
    properties: {
      ...{ id: text, name: text, 'application-status': text, 'application-id': text, 'failure-cause': ref('SerializedThrowable') },
      ...{ 'net-runtime': long, 'start-time': long, 'end-time': long, 'accumulator-results': { type: 'object' } },
    },
  },
  SerializedThrowable: { type: 'object', properties: { class: text, 'stack-trace': text, 'serialized-throwable': text } },
}

/** Fields that Flink sends beside those described, or leaves out of those. */
const optional = new Set([
  ...[
    'value',
    'failure-cause',
    'failureCause',
    'job-execution-result',
    'data',
    'id',
    'name',
    'location',
    'checkpointId',
    'savepointFormat',
  ],
])
const additional = new Set(['backpressure-level', 'start_time', 'aggregated', 'className'])

export const operations: readonly { readonly method: string; readonly path: string }[] = Object.entries(described.paths).flatMap(
  ([path, methods]) => Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path })),
)

/** The schema of what the operation answers with this status; undefined: it is described without a body. */
export function answerSchema(method: string, path: string, status: number): Schema | undefined {
  const response = described.paths[path]![method.toLowerCase()]!.responses[String(status)]
  if (response === undefined) throw new Error(`${method} ${path} is not described to answer ${status}`)
  return response.content === undefined ? undefined : Object.values(response.content)[0]!.schema
}

export function violations(value: unknown, schema: Schema, at = 'answer'): string[] {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.split('/').at(-1)!
    return violations(value, asOnTheWire[name] ?? described.components.schemas[name]!, at)
  }
  if (schema.oneOf !== undefined) {
    const each = schema.oneOf.map((one) => violations(value, one, at))
    return each.some((found) => found.length === 0) ? [] : each[0]!
  }
  if (schema.allOf !== undefined) return violations(value, merged(schema.allOf), at)
  if (value === null) return schema.type === 'integer' || schema.type === 'number' || schema.type === 'boolean' ? [`${at} is null`] : []
  if (schema.discriminator !== undefined && !at.endsWith('*')) {
    const kind = (value as Record<string, string>)[schema.discriminator.propertyName]!
    const mapped = schema.discriminator.mapping[kind]
    return mapped === undefined ? [`${at} is of no known kind: ${kind}`] : violations(value, { $ref: mapped }, `${at}*`)
  }
  switch (schema.type) {
    case 'string':
      if (typeof value !== 'string') return [`${at} is no text: ${JSON.stringify(value)}`]
      return schema.enum === undefined || schema.enum.includes(value) ? [] : [`${at} is none of ${schema.enum}: ${value}`]
    case 'integer':
      return Number.isInteger(value) ? [] : [`${at} is no whole number: ${JSON.stringify(value)}`]
    case 'number':
      return typeof value === 'number' || value === 'NaN' ? [] : [`${at} is no number: ${JSON.stringify(value)}`]
    case 'boolean':
      return typeof value === 'boolean' ? [] : [`${at} is neither true nor false: ${JSON.stringify(value)}`]
    case 'array':
      return Array.isArray(value) ? value.flatMap((item, i) => violations(item, schema.items!, `${at}[${i}]`)) : [`${at} is no list`]
    default:
      return objectViolations(value, schema, at)
  }
}

function objectViolations(value: unknown, { properties, additionalProperties }: Schema, at: string): string[] {
  if (typeof value !== 'object' || Array.isArray(value)) return [`${at} is no object: ${JSON.stringify(value)}`]
  const object = value as Record<string, unknown>
  if (additionalProperties !== undefined)
    return Object.entries(object).flatMap(([key, each]) => violations(each, additionalProperties, `${at}.${key}`))
  if (properties === undefined) return []
  const missing = Object.keys(properties).filter((key) => !(key in object) && !optional.has(key))
  const unknown = Object.keys(object).filter(
    (key) => properties[key] === undefined && !additional.has(key) && !('id' in properties && key in aggregationNames),
  )
  return [
    ...missing.map((key) => `${at}.${key} is missing`),
    ...unknown.map((key) => `${at}.${key} is not described`),
    ...Object.keys(properties).flatMap((key) => (key in object ? violations(object[key], properties[key]!, `${at}.${key}`) : [])),
  ]
}

const aggregationNames = { min: 1, max: 1, sum: 1, avg: 1, skew: 1 }

/** Of alternatives that extend a base, which is itself told apart by a discriminator: all their fields. */
function merged(parts: readonly Schema[]): Schema {
  const properties = parts.map(
    (part) => (part.$ref === undefined ? part : described.components.schemas[part.$ref.split('/').at(-1)!]!).properties,
  )
  return { type: 'object', properties: Object.assign({}, ...properties) }
}
