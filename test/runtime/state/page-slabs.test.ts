import { expect, test } from 'vitest'
import { PageSlabs, type SavedPage } from '../../../src/runtime/state/page-slabs.ts'

const words = 20_000

/** A page full of one number. */
function save(slabs: PageSlabs, value: number, holders = 1, length = words): SavedPage {
  const { f64, from } = slabs.room(length)
  f64.fill(value, from, from + length)
  return slabs.take(length, holders)
}

const valuesOf = ({ f64, from, length }: SavedPage): Set<number> => new Set(f64.subarray(from, from + length))

test('pages keep what they hold until the last snapshot that holds them lets go', () => {
  const slabs = new PageSlabs()
  const pages = Array.from({ length: 30 }, (_, i) => save(slabs, i, 2))
  for (const page of pages) slabs.release(page)
  const more = Array.from({ length: 30 }, (_, i) => save(slabs, 100 + i))
  expect(pages.map(valuesOf)).toEqual(pages.map((_, i) => new Set([i])))
  expect(more.map(valuesOf)).toEqual(more.map((_, i) => new Set([100 + i])))
})

test('memory is used again when nobody holds it, and no more of it is kept than was in use at a time', () => {
  const slabs = new PageSlabs()
  const round = (count: number): Set<ArrayBufferLike> => {
    const pages = Array.from({ length: count }, (_, i) => save(slabs, i))
    expect(pages.map(valuesOf)).toEqual(pages.map((_, i) => new Set([i])))
    for (const page of pages) slabs.release(page)
    return new Set(pages.map(({ f64 }) => f64.buffer))
  }
  const first = round(60)
  expect(first.size).toBe(10)
  expect(round(60)).toEqual(first)
  const few = round(10)
  expect(few.size).toBe(2)
  const again = round(60)
  expect([...again].filter((memory) => first.has(memory))).toHaveLength(2)
})

test('a page that is larger than a slab has memory of its own', () => {
  const slabs = new PageSlabs()
  const small = save(slabs, 1)
  const large = save(slabs, 2, 1, 300_000)
  expect(large.f64.buffer).not.toBe(small.f64.buffer)
  expect(valuesOf(large)).toEqual(new Set([2]))
  slabs.release(large)
  slabs.release(small)
})
