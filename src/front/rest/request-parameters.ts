/**
 * Reads what a request says in its path and its query. What cannot be read is a 400 in Flink's words; what nobody asked for is ignored.
 */
import type { FastifyRequest } from 'fastify'
import { malformed } from './refusal.ts'

type PathName = 'jobid' | 'vertexid' | 'triggerid' | 'applicationid' | 'datasetid'

/** 32 hex digits, in lower case. */
export function idOf(request: FastifyRequest, name: PathName): string {
  const text = pathText(request, name)
  if (!/^[0-9a-fA-F]{32}$/.test(text)) throw unreadablePath(name, text)
  return text.toLowerCase()
}

/** 0 or more. */
export function numberOf(request: FastifyRequest, name: 'subtaskindex' | 'attempt' | 'checkpointid'): number {
  const text = pathText(request, name)
  const value = Number(text)
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(value)) throw unreadablePath(name, text)
  return value
}

export function pathText(request: FastifyRequest, name: string): string {
  return (request.params as Record<string, string>)[name] ?? ''
}

/** All that is said under a name, by commas or by repetition; absent: undefined. */
export function queryList(request: FastifyRequest, name: string): readonly string[] | undefined {
  const said = (request.query as Record<string, string | string[] | undefined>)[name]
  if (said === undefined) return undefined
  return [said].flat().flatMap((each) => each.split(',').filter((part) => part !== ''))
}

export function queryText(request: FastifyRequest, name: string): string | undefined {
  const said = (request.query as Record<string, string | string[] | undefined>)[name]
  const text = Array.isArray(said) ? said[0] : said
  return text === '' ? undefined : text
}

/** One of these, in any case. */
export function queryChoice<T extends string>(request: FastifyRequest, name: string, choices: readonly T[]): T | undefined {
  const text = queryText(request, name)
  if (text === undefined) return undefined
  return choices.find((choice) => choice.toLowerCase() === text.toLowerCase()) ?? refuseQuery(name, text)
}

export function queryChoices<T extends string>(request: FastifyRequest, name: string, choices: readonly T[]): readonly T[] | undefined {
  return queryList(request, name)?.map(
    (text) => choices.find((choice) => choice.toLowerCase() === text.toLowerCase()) ?? refuseQuery(name, text),
  )
}

export function queryInteger(request: FastifyRequest, name: string, least: number): number | undefined {
  const text = queryText(request, name)
  if (text === undefined) return undefined
  const value = Number(text)
  return /^-?\d{1,9}$/.test(text) && value >= least ? value : refuseQuery(name, text)
}

export function queryBoolean(request: FastifyRequest, name: string): boolean | undefined {
  const text = queryChoice(request, name, ['true', 'false'])
  return text === undefined ? undefined : text === 'true'
}

const unreadablePath = (name: string, value: string) => malformed(`Cannot resolve path parameter (${name}) from value "${value}".`)

export function refuseQuery(name: string, value: string): never {
  throw malformed(`Cannot resolve query parameter (${name}) from value "${value}".`)
}
