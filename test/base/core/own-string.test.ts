import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ownString } from '../../../src/base/core/own-string.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Heap bytes that 100 keys keep alive, each cut from a text of 500 kB. */
function bytesKept(keep: (text: string) => string): number {
  collectGarbage()
  const before = process.memoryUsage().heapUsed
  const keys = Array.from({ length: 100 }, (_, i) =>
    keep(
      Buffer.alloc(500_000, 65 + (i % 26))
        .toString('latin1')
        .substring(10, 40),
    ),
  )
  collectGarbage()
  const after = process.memoryUsage().heapUsed
  expect(keys).toHaveLength(100)
  return after - before
}

describe('ownString', () => {
  it('is the same text, lone surrogates included', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary', minLength: 10 })), (text) => ownString(text) === text))
    expect(ownString(`${'x'.repeat(20)}\ud83d`)).toBe(`${'x'.repeat(20)}\ud83d`)
  })

  it('does not keep the string alive that it was cut from, as the substring itself does', () => {
    expect(bytesKept((text) => text)).toBeGreaterThan(40e6)
    expect(bytesKept(ownString)).toBeLessThan(5e6)
  })
})
