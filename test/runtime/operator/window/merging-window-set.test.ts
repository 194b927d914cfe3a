import { expect, test } from 'vitest'
import { addToSessions, findSession, removeSession, type Session } from '../../../../src/runtime/operator/window/merging-window-set.ts'

const add = (sessions: Session[], start: number, end: number) => addToSessions(sessions, { start, end })
const live = (sessions: readonly Session[]) => sessions.map(({ window }) => [window.start, window.end])

test('windows that overlap or touch are one session, others are not', () => {
  const sessions: Session[] = []
  for (const [start, end] of [
    [0, 10],
    [10, 20],
    [30, 40],
    [21, 25],
  ] as const)
    add(sessions, start, end)
  expect(live(sessions)).toEqual([
    [0, 20],
    [21, 25],
    [30, 40],
  ])
})

test('a window that joins several sessions takes their place and keeps the contents of the first', () => {
  const sessions: Session[] = []
  add(sessions, 0, 10)
  add(sessions, 20, 30)
  add(sessions, 40, 50)
  const { session, merged } = add(sessions, 9, 21)
  expect(live(sessions)).toEqual([
    [0, 30],
    [40, 50],
  ])
  expect(session.stateWindow).toEqual({ start: 0, end: 10 })
  expect(merged.map(({ window }) => window)).toEqual([
    { start: 0, end: 10 },
    { start: 20, end: 30 },
  ])
})

test('a window within a session changes nothing, not even when it is the session itself', () => {
  const sessions: Session[] = []
  add(sessions, 0, 10)
  add(sessions, 5, 15)
  for (const [start, end] of [
    [3, 8],
    [0, 15],
  ] as const) {
    const { session, merged } = add(sessions, start, end)
    expect([session.window, session.stateWindow, merged]).toEqual([{ start: 0, end: 15 }, { start: 0, end: 10 }, []])
  }
})

test('a session is found under its own window only, and not any more when it was removed', () => {
  const sessions: Session[] = []
  add(sessions, 0, 10)
  add(sessions, 5, 15)
  expect(findSession(sessions, { start: 0, end: 10 })).toBeUndefined()
  expect(findSession(sessions, { start: 0, end: 15 })?.stateWindow).toEqual({ start: 0, end: 10 })
  removeSession(sessions, { start: 0, end: 15 })
  expect(findSession(sessions, { start: 0, end: 15 })).toBeUndefined()
})
