/**
 * The live session windows of one key: disjoint, never touching, in order of their start. Pure.
 *
 * A session's contents stay where they were first written: under its **state window**, which is kept while the window
 * itself grows, so that an element that extends a session moves no contents.
 */
import type { TimeWindow } from '../../../program/function/window.ts'

export interface Session {
  readonly window: TimeWindow
  /** Where the contents are. */
  readonly stateWindow: TimeWindow
}

/** What adding a window did. */
export interface MergeOutcome {
  readonly session: Session
  /** Sessions that became part of it and live no more, in order of start; empty if no live window changed. */
  readonly merged: readonly Session[]
}

const nothing: readonly Session[] = []

/**
 * Adds a window: it becomes a session of its own, falls into one, or extends and joins those it overlaps or touches.
 * `sessions` is changed in place.
 */
export function addToSessions(sessions: Session[], window: TimeWindow): MergeOutcome {
  const from = firstEndingAtOrAfter(sessions, window.start)
  let to = from
  while (to < sessions.length && sessions[to]!.window.start <= window.end) to++
  if (from === to) {
    const session = { window, stateWindow: window }
    sessions.splice(from, 0, session)
    return { session, merged: nothing }
  }
  const first = sessions[from]!
  const start = Math.min(first.window.start, window.start)
  const end = Math.max(sessions[to - 1]!.window.end, window.end)
  if (to - from === 1 && start === first.window.start && end === first.window.end) return { session: first, merged: nothing }
  const session = { window: { start, end }, stateWindow: first.stateWindow }
  return { session, merged: sessions.splice(from, to - from, session) }
}

/** undefined: no such window lives, because it was merged into another or has been cleaned up. */
export function findSession(sessions: readonly Session[], window: TimeWindow): Session | undefined {
  const session = sessions[firstEndingAtOrAfter(sessions, window.end)]
  return session !== undefined && session.window.start === window.start && session.window.end === window.end ? session : undefined
}

export function removeSession(sessions: Session[], window: TimeWindow): void {
  const index = sessions.findIndex((session) => session.window.start === window.start && session.window.end === window.end)
  if (index >= 0) sessions.splice(index, 1)
}

/** New elements mostly belong to the last session: sought from the back. */
function firstEndingAtOrAfter(sessions: readonly Session[], time: number): number {
  let index = sessions.length
  while (index > 0 && sessions[index - 1]!.window.end >= time) index--
  return index
}
