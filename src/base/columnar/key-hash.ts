/**
 * Keys by value, whatever their physical type: a hash, a canonical form for maps, and the way from a hash to a key
 * group and its subtask. Equal keys have equal hashes and equal canonical forms; different keys have different canonical
 * forms. Results are part of the data format and never change (golden vectors in the tests).
 *
 * | key                                      | equal to                                   | hash                                           |
 * | ---------------------------------------- | ------------------------------------------ | ---------------------------------------------- |
 * | whole number within int32                | the same number of any type, bigints too   | fmix32(value); -0 as 0                         |
 * | other number                             | as above; NaN equals NaN                   | murmur3 of the float64's 8 bytes, little endian |
 * | bigint that no number equals             | itself only                                | murmur3 of its decimal digits, seed 1          |
 * | string                                   | lone surrogates as U+FFFD; never a number  | murmur3 of its UTF-8                           |
 * | boolean                                  | itself only                                | fmix32(2 or 3 with bit 31 set)                 |
 * | Date                                     | a Date of the same ms, not the number      | hash of the ms, mixed once more, seed 4        |
 * | Uint8Array                               | the same bytes                             | murmur3 of the bytes, seed 5                   |
 * | array                                    | equal items in order; null items allowed   | items' hashes as blocks, seed 6, then length   |
 * | object                                   | equal fields in any order; a field that is null is a field that is missing | by sorted name: name's and value's hash as blocks, seed 7 |
 *
 * null, undefined and anything else are refused.
 */
import { fmix32, mixBlock, murmur3, murmur3String } from '../core/hash.ts'
import { StreamError } from '../core/stream-error.ts'
import { isRecord } from './value-type.ts'

const bits = new Float64Array(1)
const words = new Int32Array(bits.buffer)
/** What the hash of an object begins with, for those who hash its fields themselves. */
export const objectSeed = 7
const nullItem = 0x6e756c6c

export const hashInt32 = fmix32

/** Any number, whole ones of the int32 range included. */
export function hashFloat64(value: number): number {
  if ((value | 0) === value) return fmix32(value | 0)
  bits[0] = value
  // Every NaN is hashed as the one quiet NaN.
  const low = value === value ? words[0]! : 0
  const high = value === value ? words[1]! : 0x7ff80000
  return fmix32(mixBlock(mixBlock(0, low), high) ^ 8)
}

export function hashString(text: string): number {
  return murmur3String(text, 0)
}

/** The number that equals the bigint, or undefined. */
function numberOf(value: bigint): number | undefined {
  const number = Number(value)
  return Number.isFinite(number) && BigInt(number) === value ? number : undefined
}

/** The 32-bit hash of a key, as a signed integer. */
export function hashKey(key: unknown): number {
  switch (typeof key) {
    case 'number':
      return hashFloat64(key)
    case 'string':
      return murmur3String(key, 0)
    case 'boolean':
      return fmix32(key ? -0x7ffffffd : -0x7ffffffe)
    case 'bigint': {
      const number = numberOf(key)
      return number === undefined ? murmur3String(key.toString(), 1) : hashFloat64(number)
    }
    case 'object':
      if (key !== null) return hashObject(key)
  }
  throw refusal(key)
}

function hashObject(key: object): number {
  if (key instanceof Date) return fmix32(mixBlock(4, hashFloat64(key.getTime())))
  if (key instanceof Uint8Array) return murmur3(key, 5)
  if (Array.isArray(key)) {
    let h = 6
    for (let i = 0; i < key.length; i++) h = mixBlock(h, key[i] === null || key[i] === undefined ? nullItem : hashKey(key[i]))
    return fmix32(h ^ key.length)
  }
  if (!isRecord(key)) throw refusal(key)
  let h = objectSeed
  for (const name of presentNames(key)) h = mixBlock(mixBlock(h, murmur3String(name, 0)), hashKey(key[name]))
  return fmix32(h)
}

/** Sorted by UTF-16 code units, which every JavaScript engine does alike. */
const presentNames = (row: Record<string, unknown>): string[] =>
  Object.keys(row)
    .filter((name) => row[name] !== null && row[name] !== undefined)
    .sort()

/**
 * A key as one Map key. Numbers stay numbers (a Map takes NaN and -0 as keys do) and nearly all strings stay themselves;
 * all else is a string that starts with U+0000 and a tag, and so is a string that itself starts with U+0000.
 */
export function canonicalKey(key: unknown): number | string {
  switch (typeof key) {
    case 'number':
      return key === 0 ? 0 : key
    case 'string': {
      const text = key.isWellFormed() ? key : key.toWellFormed()
      return text.charCodeAt(0) === 0 ? `\0s${text}` : text
    }
    case 'boolean':
      return key ? '\0T' : '\0F'
    case 'bigint':
      return numberOf(key) ?? `\0n${key}`
    case 'object':
      if (key !== null) return canonicalObject(key)
  }
  throw refusal(key)
}

function canonicalObject(key: object): string {
  if (key instanceof Date) return `\0d${key.getTime()}`
  if (key instanceof Uint8Array) return `\0b${Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1')}`
  if (Array.isArray(key)) {
    let text = '\0['
    for (let i = 0; i < key.length; i++) text += key[i] === null || key[i] === undefined ? '-' : delimited(canonicalKey(key[i]))
    return text
  }
  if (!isRecord(key)) throw refusal(key)
  let text = '\0{'
  for (const name of presentNames(key)) text += delimited(name) + delimited(canonicalKey(key[name]))
  return text
}

/** Length first, so that no content can be taken for structure; numbers and strings apart. */
function delimited(canonical: number | string): string {
  return typeof canonical === 'number' ? `#${canonical};` : `${canonical.length}:${canonical}`
}

function refusal(key: unknown): StreamError {
  if (key === null || key === undefined)
    return new StreamError('TYPE_MISMATCH', `a key is ${key}`, {
      hint: 'Filter such records out before keyBy, or give them a key of their own.',
    })
  const what = typeof key === 'object' ? `a ${key.constructor?.name ?? 'foreign object'}` : `a ${typeof key}`
  return new StreamError('TYPE_MISMATCH', `${what} cannot be a key`, {
    hint: 'A key is a number, string, boolean, bigint, Date, Uint8Array, or an array or plain object of these.',
  })
}

/** Key group = the hash as an unsigned number modulo max parallelism. */
export function keyGroupOf(hash: number, maxParallelism: number): number {
  return (hash >>> 0) % maxParallelism
}

/** The subtask that owns a key group, as in Flink: floor(group * parallelism / maxParallelism). */
export function subtaskOfKeyGroup(group: number, parallelism: number, maxParallelism: number): number {
  return Math.floor((group * parallelism) / maxParallelism)
}

export interface KeyGroupRange {
  readonly start: number
  /** Exclusive; equal to `start` if the subtask owns none. */
  readonly end: number
}

/** The key groups that subtaskOfKeyGroup gives to a subtask. */
export function keyGroupRange(subtask: number, parallelism: number, maxParallelism: number): KeyGroupRange {
  return { start: Math.ceil((subtask * maxParallelism) / parallelism), end: Math.ceil(((subtask + 1) * maxParallelism) / parallelism) }
}
