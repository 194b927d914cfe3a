import fc from 'fast-check'
import { expect, test } from 'vitest'
import { InternalTimers } from '../../../src/runtime/state/internal-timers.ts'

type Fired = [key: unknown, time: number]
const never = (): boolean => false
const make = (): { timers: InternalTimers<number | undefined>; requested: number[] } => {
  const requested: number[] = []
  return { timers: new InternalTimers<number | undefined>((atMs) => void requested.push(atMs)), requested }
}

test('a watermark fires all event timers at or below it in order of time', () => {
  const { timers } = make()
  for (const time of [30, 10, 20, 31]) timers.registerEventTimer('k', undefined, time)
  const fired: number[] = []
  expect(timers.advanceWatermark(30, (_key, _namespace, time) => void fired.push(time), never)).toBe(true)
  expect(fired).toEqual([10, 20, 30])
  expect(timers.numEventTimers).toBe(1)
})

test('there is one timer per key, namespace, time and domain: registering again and deleting an absent one do nothing', () => {
  const { timers } = make()
  timers.registerEventTimer({ a: 1 }, undefined, 5)
  timers.registerEventTimer({ a: 1 }, undefined, 5)
  timers.registerEventTimer({ a: 1 }, 7, 5)
  timers.registerEventTimer({ a: 2 }, undefined, 5)
  timers.registerProcessingTimer({ a: 1 }, undefined, 5)
  timers.deleteEventTimer({ a: 1 }, undefined, 6)
  timers.deleteEventTimer({ a: 3 }, undefined, 5)
  expect([timers.numEventTimers, timers.numProcessingTimers]).toEqual([3, 1])
  timers.deleteEventTimer({ a: 1 }, undefined, 5)
  const fired: unknown[] = []
  timers.advanceWatermark(5, (key, namespace) => void fired.push([key, namespace]), never)
  expect(fired).toEqual([
    [{ a: 2 }, undefined],
    [{ a: 1 }, 7],
  ])
})

test('while a timer fires the watermark is already the new one, and timers registered at or below it fire in the same round, earliest first', () => {
  const { timers } = make()
  timers.registerEventTimer('k', undefined, 10)
  timers.registerEventTimer('l', undefined, 10)
  const fired: Fired[] = []
  timers.advanceWatermark(
    50,
    (key, _namespace, time) => {
      fired.push([key, time])
      expect(timers.currentWatermark).toBe(50)
      if (fired.length > 1) return
      timers.registerEventTimer('k', undefined, 10)
      timers.registerEventTimer('k', undefined, 50)
      timers.registerEventTimer('k', undefined, 5)
      timers.registerEventTimer('k', undefined, 51)
    },
    never,
  )
  expect(fired).toEqual([
    ['k', 10],
    ['k', 5],
    ['l', 10],
    ['k', 10],
    ['k', 50],
  ])
  expect(timers.numEventTimers).toBe(1)
})

test('an event timer registered at or below the watermark fires with the next watermark, not at once', () => {
  const { timers } = make()
  const fired: number[] = []
  const fire = (_key: unknown, _namespace: unknown, time: number): void => void fired.push(time)
  timers.advanceWatermark(100, fire, never)
  timers.registerEventTimer('k', undefined, 100)
  timers.registerEventTimer('k', undefined, 3)
  expect(fired).toEqual([])
  timers.advanceWatermark(101, fire, never)
  expect(fired).toEqual([3, 100])
})

test('firing stops where the output is full and goes on at the next call', () => {
  const { timers } = make()
  for (let key = 0; key < 10; key++) timers.registerEventTimer(key, undefined, 5)
  const fired: unknown[] = []
  const upTo = (count: number): boolean =>
    timers.advanceWatermark(
      5,
      (key) => void fired.push(key),
      () => fired.length >= count,
    )
  expect(upTo(4)).toBe(false)
  timers.deleteEventTimer(4, undefined, 5)
  timers.registerEventTimer(0, undefined, 5)
  expect(upTo(4)).toBe(false)
  expect(upTo(100)).toBe(true)
  expect(fired).toEqual([0, 1, 2, 3, 5, 6, 7, 8, 9, 0])
})

test('a processing timer asks for a call once for each earlier time, and again for what is left', () => {
  const { timers, requested } = make()
  timers.registerProcessingTimer('a', undefined, 100)
  timers.registerProcessingTimer('b', undefined, 100)
  timers.registerProcessingTimer('a', undefined, 200)
  timers.registerProcessingTimer('a', undefined, 50)
  expect(requested).toEqual([100, 50])
  const fired: Fired[] = []
  expect(timers.fireProcessingTimers(60, (key, _namespace, time) => void fired.push([key, time]), never)).toBe(true)
  expect(requested).toEqual([100, 50, 100])
  expect(timers.fireProcessingTimers(100, (key, _namespace, time) => void fired.push([key, time]), never)).toBe(true)
  expect(fired).toEqual([
    ['a', 50],
    ['a', 100],
    ['b', 100],
  ])
  expect(requested).toEqual([100, 50, 100, 200])
})

test('a deleted processing timer does not fire', () => {
  const { timers } = make()
  timers.registerProcessingTimer('a', undefined, 100)
  timers.deleteProcessingTimer('a', undefined, 100)
  expect(timers.fireProcessingTimers(100, () => expect.unreachable(), never)).toBe(true)
})

test('a time that is no number is refused', () => {
  const { timers } = make()
  expect(() => timers.registerEventTimer('k', undefined, Number.NaN)).toThrow(/NaN, which is not a time/)
})

test('a key object that is changed after registering fires as it was', () => {
  const { timers } = make()
  const key = { a: 1 }
  timers.registerEventTimer(key, undefined, 1)
  key.a = 2
  timers.advanceWatermark(1, (fired) => expect(fired).toEqual({ a: 1 }), never)
  expect(timers.numEventTimers).toBe(0)
})

test('a timeout that is moved a million times holds one timer, and half a million timers at one time fire in steps', () => {
  const { timers } = make()
  for (let time = 1; time <= 1_000_000; time++) {
    timers.deleteEventTimer('k', undefined, time - 1)
    timers.registerEventTimer('k', undefined, time)
  }
  expect([...timers.entries(128)]).toEqual([
    { key: 'k', namespace: undefined, time: 1_000_000, domain: 'event', keyGroup: expect.any(Number) },
  ])
  for (let key = 0; key < 500_000; key++) timers.registerEventTimer(key, undefined, 5)
  let fired = 0
  let steps = 1
  while (
    !timers.advanceWatermark(
      5,
      () => void fired++,
      () => fired >= steps * 2048,
    )
  )
    steps++
  expect([fired, steps]).toEqual([500_000, Math.ceil(500_000 / 2048)])
})

test('two hundred thousand namespaces at one time fire in linear time', () => {
  const { timers } = make()
  for (let namespace = 0; namespace < 200_000; namespace++) timers.registerEventTimer('k', namespace, 5)
  let fired = 0
  const fire = (_key: unknown, namespace: unknown): void => {
    if (namespace === fired) fired++
  }
  timers.advanceWatermark(5, fire, never)
  expect(fired).toBe(200_000)
}, 10_000)

test('any sequence of registrations, deletions and watermarks fires like a sorted list', () => {
  const step = fc.record({
    act: fc.constantFrom('register', 'delete', 'advance'),
    key: fc.integer({ min: 0, max: 3 }),
    namespace: fc.constantFrom(undefined, 1),
    time: fc.integer({ min: -5, max: 20 }),
    budget: fc.integer({ min: 1, max: 3 }),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { timers } = make()
      const model = new Set<string>()
      const place = (key: unknown, namespace: unknown, time: number): string => `${time}/${String(namespace)}/${String(key)}`
      for (const { act, key, namespace, time, budget } of steps) {
        if (act === 'register') {
          timers.registerEventTimer(key, namespace, time)
          model.add(place(key, namespace, time))
        } else if (act === 'delete') {
          timers.deleteEventTimer(key, namespace, time)
          model.delete(place(key, namespace, time))
        } else {
          const fired: Fired[] = []
          const watermark = Math.max(time, timers.currentWatermark)
          const due = [...model].filter((text) => Number(text.split('/')[0]) <= watermark)
          let allowed = budget
          const fire = (key: unknown, namespace: unknown, at: number): void => {
            fired.push([key, at])
            expect(model.delete(place(key, namespace, at))).toBe(true)
          }
          while (!timers.advanceWatermark(time, fire, () => fired.length >= allowed)) allowed += budget
          expect(fired.length).toBe(due.length)
          expect(fired.map(([, at]) => at)).toEqual(fired.map(([, at]) => at).sort((a, b) => a - b))
        }
        expect(timers.numEventTimers).toBe(model.size)
      }
    }),
  )
})
