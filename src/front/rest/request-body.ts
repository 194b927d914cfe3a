/**
 * Reads a request's JSON body against the fields that it may have, as leniently as Flink does: an empty body is `{}`, whatever its
 * content type says; unknown fields are ignored; null is absent; "4" is a number where one is expected.
 */
import type { FastifyRequest } from 'fastify'
import { Refusal } from './refusal.ts'

interface FieldTypes {
  readonly text: string
  readonly boolean: boolean
  readonly integer: number
  /** 32 hex digits; given in lower case. */
  readonly id: string
  readonly texts: readonly string[]
  /** Texts by name. */
  readonly map: Readonly<Record<string, string>>
}

type Field = keyof FieldTypes | readonly string[]
type ValueOf<F extends Field> = F extends keyof FieldTypes ? FieldTypes[F] : F extends readonly (infer T)[] ? T : never

/** `format` is the name of Flink's class, which the refusal of anything else names. */
export function bodyOf<const F extends Readonly<Record<string, Field>>>(
  request: FastifyRequest,
  format: string,
  fields: F,
): { readonly [K in keyof F]?: ValueOf<F[K]> } {
  const unfit = (): never => {
    throw new Refusal(400, `Request did not match expected format ${format}.`)
  }
  const body = jsonOf(request) ?? unfit()
  if (typeof body !== 'object' || Array.isArray(body)) return unfit()
  const read: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(fields)) {
    const said = Object.hasOwn(body, name) ? (body as Record<string, unknown>)[name] : undefined
    if (said === undefined || said === null) continue
    read[name] = valueOf(said, field) ?? unfit()
  }
  return read as { readonly [K in keyof F]?: ValueOf<F[K]> }
}

/** The body as JSON, which may be anything; undefined where it is none. */
export function jsonOf(request: FastifyRequest): unknown {
  const bytes = request.body as Buffer | undefined
  if (bytes === undefined || bytes === null || bytes.length === 0) return {}
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    // Whoever asks refuses it with the name of the format that was expected.
    return undefined
  }
}

/** Undefined: it does not fit. */
function valueOf(said: unknown, field: Field): unknown {
  if (typeof field !== 'string') return field.find((choice) => choice === said)
  switch (field) {
    case 'text':
      return scalarText(said)
    case 'boolean':
      return typeof said === 'boolean' ? said : said === 'true' ? true : said === 'false' ? false : undefined
    case 'integer': {
      const number = typeof said === 'string' && /^-?\d{1,15}$/.test(said) ? Number(said) : said
      return Number.isSafeInteger(number) ? number : undefined
    }
    case 'id':
      return typeof said === 'string' && /^[0-9a-fA-F]{32}$/.test(said) ? said.toLowerCase() : undefined
    case 'texts': {
      const texts = Array.isArray(said) ? said.map(scalarText) : undefined
      return texts?.includes(undefined) === true ? undefined : texts
    }
    case 'map': {
      if (typeof said !== 'object' || said === null || Array.isArray(said)) return undefined
      const entries = Object.entries(said).map(([name, value]) => [name, scalarText(value)] as const)
      return entries.some(([, value]) => value === undefined) ? undefined : Object.fromEntries(entries)
    }
  }
}

const scalarText = (said: unknown): string | undefined =>
  typeof said === 'string' ? said : typeof said === 'number' || typeof said === 'boolean' ? String(said) : undefined
