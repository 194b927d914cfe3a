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
