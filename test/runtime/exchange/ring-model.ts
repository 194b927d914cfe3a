/**
 * The ring's protocol and the way its two ends sleep, as a model whose every interleaving can be tried. Each step is one
 * access to shared memory; what an end has read stays in registers of its own. A fault leaves out or swaps one step.
 *
 * | producer                                         | consumer                                      |
 * | ------------------------------------------------ | --------------------------------------------- |
 * | look: load `released`; no credit -> say asleep    | look: load `published`; none -> say asleep     |
 * | write the segment (begin, end: two steps)        | read the segment (begin, end: two steps)      |
 * | publish; wake the consumer if its flag was set   | release; wake the producer if its flag was set |
 * | asleep: set the flag, look again, then park      | the same                                      |
 */
export type Fault =
  | 'none'
  | 'publishes before it writes'
  | 'parks without a second look'
  | 'looks before it sets its flag'
  | 'ignores credit'
  | 'releases before it reads'

type End = 'producer' | 'consumer'

interface EndState {
  readonly at: 'look' | 'begin' | 'end' | 'tell' | 'wake' | 'flag' | 'lookAgain' | 'parked' | 'over'
  /** Segments done. */
  readonly done: number
}

interface State {
  readonly published: number
  readonly released: number
  /** Serial number of what stands in each segment; -1: it is being written. */
  readonly segments: readonly number[]
  readonly asleep: Readonly<Record<End, boolean>>
  readonly producer: EndState
  readonly consumer: EndState
  readonly broken?: string
}

const other = { producer: 'consumer', consumer: 'producer' } as const

export interface ModelResult {
  readonly states: number
  readonly problems: ReadonlySet<string>
}

/** Tries every interleaving of sending `total` segments through a ring of `size`. */
export function exploreRing(size: number, total: number, fault: Fault): ModelResult {
  const start: State = {
    published: 0,
    released: 0,
    segments: Array(size).fill(-2),
    asleep: { producer: false, consumer: false },
    producer: { at: 'look', done: 0 },
    consumer: { at: 'look', done: 0 },
  }
  const seen = new Set<string>()
  const problems = new Set<string>()
  const open = [start]
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    const id = JSON.stringify(state)
    if (seen.has(id)) continue
    seen.add(id)
    const next = (['producer', 'consumer'] as const).flatMap((end) => step(state, end, size, total, fault) ?? [])
    const isOver = state.producer.at === 'over' && state.consumer.at === 'over'
    if (state.broken !== undefined) problems.add(state.broken)
    else if (next.length === 0 && !isOver) problems.add('both ends sleep, and there is work')
    else open.push(...next)
  }
  return { states: seen.size, problems }
}

function step(state: State, end: End, size: number, total: number, fault: Fault): State | undefined {
  const own = state[end]
  const go = (at: EndState['at'], more: Partial<State> = {}): State => ({ ...state, ...more, [end]: { ...own, at } })
  const mayGoOn = end === 'producer' ? fault === 'ignores credit' || state.published - state.released < size : state.published > own.done
  const asleepAs = (flag: boolean) => ({ asleep: { ...state.asleep, [end]: flag } })
  switch (own.at) {
    case 'look':
      if (own.done === total) return go('over')
      if (mayGoOn) return go(isEarly(end, fault) ? 'tell' : 'begin')
      return go(fault === 'looks before it sets its flag' ? 'lookAgain' : 'flag')
    case 'flag':
      if (fault === 'looks before it sets its flag') return go('parked', asleepAs(true))
      return go(fault === 'parks without a second look' ? 'parked' : 'lookAgain', asleepAs(true))
    case 'lookAgain':
      if (mayGoOn) return go('look', asleepAs(false))
      return go(fault === 'looks before it sets its flag' ? 'flag' : 'parked')
    case 'begin':
      return end === 'producer' ? go('end', { segments: withSerial(state, own.done, -1) }) : readBegins(state, own, size, go)
    case 'end':
      return end === 'producer'
        ? finish(go(isEarly(end, fault) ? 'wake' : 'tell', { segments: withSerial(state, own.done, own.done) }), end, isEarly(end, fault))
        : readEnds(state, own, size, finish(go(isEarly(end, fault) ? 'wake' : 'tell'), end, isEarly(end, fault)))
    case 'tell': {
      const told = end === 'producer' ? { published: state.published + 1 } : { released: state.released + 1 }
      return isEarly(end, fault) ? go('begin', told) : finish(go('wake', told), end, true)
    }
    case 'wake': {
      // Sets the peer's flag back and pings it in one exchange; a ping that comes before the peer has parked makes it look again.
      const peer = other[end]
      if (!state.asleep[peer]) return go('look')
      const { at } = state[peer]
      const woken: State = go('look', { asleep: { ...state.asleep, [peer]: false } })
      return { ...woken, [peer]: { ...state[peer], at: at === 'parked' || at === 'lookAgain' ? 'look' : at } }
    }
    case 'parked':
    case 'over':
      return undefined
  }
}

const isEarly = (end: End, fault: Fault): boolean =>
  fault === (end === 'producer' ? 'publishes before it writes' : 'releases before it reads')

function finish(state: State, end: End, done: boolean): State {
  return done ? { ...state, [end]: { ...state[end], done: state[end].done + 1 } } : state
}

const withSerial = (state: State, serial: number, holds: number): number[] =>
  state.segments.map((held, i) => (i === serial % state.segments.length ? holds : held))

function readBegins(state: State, own: EndState, size: number, go: (at: EndState['at']) => State): State {
  return state.segments[own.done % size] === own.done
    ? go('end')
    : { ...state, broken: 'a segment was read that does not hold what was published' }
}

function readEnds(state: State, own: EndState, size: number, next: State): State {
  return state.segments[own.done % size] === own.done ? next : { ...state, broken: 'a segment was overwritten while it was read' }
}
