/**
 * The types a configuration value can have: how each is read from text or from a value of its own type, and how it is
 * described to someone who wrote something else. Durations become milliseconds, sizes bytes.
 */
import { parseDuration } from './duration.ts'
import { parseMemorySize } from './memory-size.ts'

/** One key of the table: its type, default and documentation. */
export interface ConfigOption<T> {
  /** What a good value looks like, in words that fit after "expects". */
  readonly form: string
  readonly default: T
  readonly doc: string
  /** The value, or undefined when `raw` is none of this type. */
  read(raw: unknown): NonNullable<T> | undefined
}

type Limits = { readonly min?: number; readonly max?: number }

const within = (
  value: number | undefined,
  { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY }: Limits,
): number | undefined => (value !== undefined && value >= min && value <= max ? value : undefined)

const limitWords = ({ min, max }: Limits): string =>
  min !== undefined && max !== undefined
    ? ` from ${min} to ${max}`
    : min !== undefined
      ? ` of at least ${min}`
      : max !== undefined
        ? ` of at most ${max}`
        : ''

export function bool<D extends boolean | undefined>(fallback: D, doc: string): ConfigOption<boolean | D> {
  const words: Readonly<Record<string, boolean>> = { true: true, false: false }
  return {
    form: 'true or false',
    default: fallback,
    doc,
    read: (raw) => (typeof raw === 'boolean' ? raw : words[String(raw).trim().toLowerCase()]),
  }
}

export function int<D extends number | undefined>(fallback: D, doc: string, limits: Limits = {}): ConfigOption<number | D> {
  const read = (raw: unknown): number | undefined => {
    const value = typeof raw === 'number' ? raw : typeof raw === 'string' && /^\s*[+-]?\d+\s*$/.test(raw) ? Number(raw) : undefined
    return Number.isSafeInteger(value) ? within(value, limits) : undefined
  }
  return { form: `a whole number${limitWords(limits)}`, default: fallback, doc, read }
}

export function decimal<D extends number | undefined>(fallback: D, doc: string, limits: Limits = {}): ConfigOption<number | D> {
  const read = (raw: unknown): number | undefined => {
    const value = typeof raw === 'number' ? raw : typeof raw === 'string' && raw.trim() !== '' ? Number(raw) : Number.NaN
    return Number.isFinite(value) ? within(value, limits) : undefined
  }
  return { form: `a number${limitWords(limits)}`, default: fallback, doc, read }
}

/** Milliseconds; -1 only where limits allow it. */
export function duration<D extends number | undefined>(fallback: D, doc: string, limits: Limits = { min: 0 }): ConfigOption<number | D> {
  const read = (raw: unknown): number | undefined =>
    within(typeof raw === 'number' && !Number.isNaN(raw) ? raw : typeof raw === 'string' ? parseDuration(raw) : undefined, limits)
  return { form: "a duration such as '200 ms', '10 s' or '5 min'", default: fallback, doc, read }
}

/** Bytes; 'infinite' is the largest safe integer, which JSON keeps. */
export function size<D extends number | undefined>(fallback: D, doc: string): ConfigOption<number | D> {
  const read = (raw: unknown): number | undefined => {
    if (typeof raw === 'number') return Number.isSafeInteger(raw) && raw >= 0 ? raw : undefined
    if (typeof raw !== 'string') return undefined
    return /^\s*inf(inite)?\s*$/i.test(raw) ? Number.MAX_SAFE_INTEGER : parseMemorySize(raw)
  }
  return { form: "a size such as '128 kb', '64 mb' or '1 gb'", default: fallback, doc, read }
}

export function oneOf<const V extends string, D extends V | undefined>(
  values: readonly V[],
  fallback: D,
  doc: string,
): ConfigOption<V | D> {
  const plain = (text: string): string => text.trim().toLowerCase().replaceAll('_', '-')
  const read = (raw: unknown): V | undefined => values.find((value) => typeof raw === 'string' && plain(value) === plain(raw))
  const quoted = values.map((value) => `'${value}'`)
  return {
    form: `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)}`,
    default: fallback,
    doc,
    read: read as ConfigOption<V | D>['read'],
  }
}

export function text<D extends string | undefined>(fallback: D, doc: string): ConfigOption<string | D> {
  const read = (raw: unknown): string | undefined => (typeof raw === 'string' ? raw : typeof raw === 'number' ? String(raw) : undefined)
  return { form: 'text', default: fallback, doc, read }
}

/** Flink's form of a map: `a:1,b:2`; an object of texts or numbers is taken as well. */
export function map(doc: string): ConfigOption<Readonly<Record<string, string>>> {
  const read = (raw: unknown): Readonly<Record<string, string>> | undefined => {
    if (typeof raw === 'object' && raw !== null && !Array.isArray(raw))
      return Object.fromEntries(Object.entries(raw).map(([key, value]) => [key, String(value)]))
    if (typeof raw !== 'string') return undefined
    const pairs = raw
      .split(',')
      .filter((part) => part.trim() !== '')
      .map((part) => /^\s*([^:]+?)\s*:\s*(.*?)\s*$/.exec(part))
    return pairs.includes(null) ? undefined : Object.fromEntries(pairs.map((pair) => [pair![1]!, pair![2]!]))
  }
  return { form: "pairs such as 'name:value,other:value'", default: {}, doc, read }
}
