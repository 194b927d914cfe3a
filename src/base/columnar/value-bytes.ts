/**
 * Single values as bytes: bigints as two's complement, opaque values as structured clones.
 */
import { deserialize, serialize } from 'node:v8'
import { StreamError } from '../core/stream-error.ts'
import { describeValue } from './schema.ts'

/** Two's complement, little endian, as few bytes as hold the sign, at least one. */
export function bigintToBytes(value: bigint): Uint8Array {
  // The complement of a negative number has its magnitude bits, so one more bit for the sign holds both.
  const magnitude = value < 0n ? ~value : value
  const length = ((magnitude === 0n ? 0 : magnitude.toString(2).length) >> 3) + 1
  const hex = BigInt.asUintN(length * 8, value)
    .toString(16)
    .padStart(length * 2, '0')
  return Buffer.from(hex, 'hex').reverse()
}

export function bytesToBigint(bytes: Uint8Array): bigint {
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`))
}

/** The same bytes whenever it is called: they are measured before they are written. `field` is for the message. */
export function serializeValue(value: unknown, field = 'value'): Uint8Array {
  try {
    return serialize(typeof value === 'number' ? inOneForm(value) : value)
  } catch (cause) {
    throw new StreamError('TYPE_MISMATCH', `field '${field}' holds ${describeValue(value)}, which cannot leave its thread`, {
      hint: 'Functions, symbols, promises, proxies and other live objects cannot be copied. Leave the field out, or turn it into plain data.',
      cause,
    })
  }
}

/** V8 writes a whole number in 4 bytes or in 11, by whether it lay in an array of doubles; `| 0` takes it out of there. */
const inOneForm = (value: number): number => ((value | 0) === value && !Object.is(value, -0) ? value | 0 : value)

/** The bytes must not be shared memory. */
export const deserializeValue = (bytes: Uint8Array): unknown => deserialize(bytes)
