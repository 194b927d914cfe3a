/**
 * The WebAssembly module behind split-mix.ts, assembled here by hand: JavaScript has no 64-bit multiplication that is
 * fast. Memory holds the draws of one block and nothing else. Two functions:
 *
 *     fill(s, from, to)   draws[k] = nextInt() of state s + (k + 1) * gamma, for from <= k < to (from < to); keeps s
 *     double(k)           nextDouble() of state s + (k + 1) * gamma
 */
export interface SplitMixModule {
  readonly draws: Int32Array
  fill(s: bigint, from: number, to: number): void
  double(k: number): number
}

const i32 = 0x7f
const i64 = 0x7e
const f64 = 0x7c
const gamma = 0x9e3779b97f4a7c15n

const get = (local: number) => [0x20, local]
const set = (local: number) => [0x21, local]
const tee = (local: number) => [0x22, local]
const global = { get: [0x23, 0], set: [0x24, 0] }
const add64 = [0x7c]
const mul64 = [0x7e]
const xor64 = [0x85]
const add32 = [0x6a]
const extend = [0xad]
const end = 0x0b

/** Signed LEB128. */
function leb(value: bigint): number[] {
  const bytes: number[] = []
  for (let rest = value; ; rest >>= 7n) {
    const low = Number(rest & 0x7fn)
    if ((rest >> 7n === 0n && low < 64) || (rest >> 7n === -1n && low >= 64)) return [...bytes, low]
    bytes.push(low | 0x80)
  }
}
const const32 = (value: number) => [0x41, ...leb(BigInt(value))]
const const64 = (value: bigint) => [0x42, ...leb(BigInt.asIntN(64, value))]
const shiftRight = (bits: number) => [...const64(BigInt(bits)), 0x88]

/** z is on the stack: leaves (z ^ (z >>> bits)) * factor, using `local`. */
const mix = (local: number, bits: number, factor: bigint) =>
  [tee(local), get(local), shiftRight(bits), xor64, const64(factor), mul64].flat()

const fillBody = [
  1,
  2,
  i64, // two locals: 3 is the state, 4 is scratch
  get(0),
  global.set,
  get(0),
  get(1),
  extend,
  const64(gamma),
  mul64,
  add64,
  set(3),
  0x03,
  0x40, // loop
  get(1),
  const32(2),
  0x74, // address = from << 2
  get(3),
  const64(gamma),
  add64,
  tee(3),
  mix(4, 33, 0x62a9d9ed799705f5n),
  mix(4, 28, 0xcb24d0a5c88c35b3n),
  shiftRight(32),
  0x3e,
  2,
  0, // i64.store32
  get(1),
  const32(1),
  add32,
  tee(1),
  get(2),
  0x49,
  0x0d,
  0, // from < to: again
  end,
  end,
].flat()

const doubleBody = [
  1,
  1,
  i64, // local 1 is scratch
  global.get,
  get(0),
  const32(1),
  add32,
  extend,
  const64(gamma),
  mul64,
  add64,
  mix(1, 30, 0xbf58476d1ce4e5b9n),
  mix(1, 27, 0x94d049bb133111ebn),
  tee(1),
  get(1),
  shiftRight(31),
  xor64,
  shiftRight(11),
  0xb9, // f64.convert_i64_s: 53 bits, so exact
  0x44,
  ...new Uint8Array(new Float64Array([2 ** -53]).buffer),
  0xa2, // * 2^-53
  end,
].flat()

const text = (name: string) => [name.length, ...Buffer.from(name, 'latin1')]
const size = (n: number) => (n < 128 ? [n] : [(n & 0x7f) | 0x80, n >> 7])
const section = (id: number, content: number[]) => [id, ...size(content.length), ...content]
const body = (code: number[]) => [...size(code.length), ...code]

const bytes = new Uint8Array([
  0,
  0x61,
  0x73,
  0x6d,
  1,
  0,
  0,
  0,
  ...section(1, [2, 0x60, 3, i64, i32, i32, 0, 0x60, 1, i32, 1, f64]),
  ...section(3, [2, 0, 1]),
  ...section(5, [1, 0, 1]), // one page
  ...section(6, [1, i64, 1, ...const64(0n), end]),
  ...section(7, [3, ...text('memory'), 2, 0, ...text('fill'), 0, 0, ...text('double'), 0, 1]),
  ...section(10, [2, ...body(fillBody), ...body(doubleBody)]),
])

// The compiler's libraries know WebAssembly only together with the DOM.
interface WebAssemblyModule {
  readonly exports: { readonly memory: { readonly buffer: ArrayBuffer } } & Pick<SplitMixModule, 'fill' | 'double'>
}
const assembly = (
  globalThis as unknown as { WebAssembly: { Module: new (b: Uint8Array) => object; Instance: new (m: object) => WebAssemblyModule } }
).WebAssembly

const compiled = new assembly.Module(bytes)

export function loadSplitMix(capacity: number): SplitMixModule {
  const { memory, fill, double } = new assembly.Instance(compiled).exports
  return { draws: new Int32Array(memory.buffer, 0, capacity), fill, double }
}
