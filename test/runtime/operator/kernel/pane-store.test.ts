import { expect, test } from 'vitest'
import { PaneStore } from '../../../../src/runtime/operator/kernel/pane-store.ts'
import { KeySpace } from '../../../../src/runtime/state/key-space.ts'

const hour = 3_600_000
const storeOf = (groups: number) =>
  new PaneStore(
    { sizeMs: hour, slideMs: hour, offsetMs: 0, allowedLatenessMs: 0 },
    new KeySpace(),
    { first: 0, count: groups, maxParallelism: 128 },
    new Float64Array(3),
  )

/** Opens so many panes and lets time pass all of them. */
function fill(store: PaneStore, panes: number): Set<object> {
  const groups = new Set<object>()
  for (let i = 0; i < panes; i++) groups.add(store.enter(i * hour).group!)
  store.dropBelow(panes * hour)
  return groups
}

test('tables of panes that time has passed serve the panes to come', () => {
  const store = storeOf(4)
  const first = fill(store, 100)
  expect(store.panes.size).toBe(0)
  const second = fill(store, 100)
  expect(first.size).toBe(100)
  expect([...second].every((group) => first.has(group))).toBe(true)
})

test('no more spare tables are kept than their limit of memory', () => {
  const store = storeOf(128)
  const first = fill(store, 2_000)
  const again = [...fill(store, 2_000)].filter((group) => first.has(group))
  const sizeBytes = [...first].reduce((sum, group) => sum + (group as { sizeBytes: number }).sizeBytes, 0)
  expect(sizeBytes).toBeGreaterThan(100 << 20)
  expect(again.reduce((sum, group) => sum + (group as { sizeBytes: number }).sizeBytes, 0)).toBeLessThanOrEqual(32 << 20)
  expect(again.length).toBeGreaterThan(100)
})

test.each([
  { sizeMs: 10, slideMs: 10 },
  { sizeMs: 10, slideMs: 4 },
  { sizeMs: 4, slideMs: 10 },
])('windows fire in the order of their ends whatever order panes came in: $sizeMs every $slideMs', ({ sizeMs, slideMs }) => {
  const store = new PaneStore(
    { sizeMs, slideMs, offsetMs: 3, allowedLatenessMs: 20 },
    new KeySpace(),
    { first: 0, count: 1, maxParallelism: 128 },
    new Float64Array(1),
  )
  const times = [95, 3, 41, 17, 18, 96, 70, 5]
  const fired: number[] = []
  const fireTo = (watermark: number) => {
    const last = store.lastEndDueAt(watermark)
    for (let end = store.nextEnd(last); end !== undefined; end = store.nextEnd(last)) {
      fired.push(end)
      store.firedTo = end
    }
    store.firedTo = Math.max(store.firedTo, last)
    store.dropBelow(watermark)
  }
  for (const time of times) store.enter(time)
  fireTo(44)
  // Late, but its windows have fired: nothing is due again for it alone; and one that is on time.
  store.enter(40)
  store.enter(50)
  fireTo(1000)
  const ends = new Set([...times, 50].flatMap((time) => store.windowStartsOf(time).map((start) => start + sizeMs)))
  expect(fired).toEqual([...ends].sort((a, b) => a - b))
  expect(store.panes.size).toBe(0)
})

test('firing fifty thousand windows that one watermark makes due takes a moment', () => {
  const store = storeOf(1)
  const windows = 50_000
  for (let i = 0; i < windows; i++) store.enter(i * hour)
  const last = store.lastEndDueAt(windows * hour)
  let asked = 0
  for (let end = store.nextEnd(last); end !== undefined; end = store.nextEnd(last), asked++) store.firedTo = end
  expect(asked).toBe(windows)
}, 5_000)
