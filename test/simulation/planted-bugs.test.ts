/**
 * The simulation is tested itself: bugs that are planted in what the processes of a cluster hear must each be found.
 */
import { beforeAll, describe, expect, it } from 'vitest'
import { loadColumnFormat } from '../../src/base/columnar/column-file-writer.ts'
import { programs } from '../torture/programs.ts'
import { undisturbedOf } from '../torture/torment.ts'
import { simulateRun } from './simulate-run.ts'
import type { PlantedBug } from './simulated-cluster.ts'

/** Every nth of those that `isOne` picks is treated so. */
function everyNth(n: number, isOne: (message: any) => boolean, treat: (message: any) => readonly any[]) {
  let seen = 0
  return (message: any): readonly any[] => (isOne(message) && ++seen % n === 0 ? treat(message) : [message])
}

const toSlot = (order: string) => (message: any) => message.do === 'slot' && message.message.do === order
const fromSlot = (word: string) => (message: any) => message.say === 'slot' && message.message.say === word
const dropped = (): readonly any[] => []
const doubled = (message: any): readonly any[] => [message, message]

const tampering = (treat: (message: any) => readonly any[]): PlantedBug => ({ tamper: (_protocol, message) => treat(message) })

/** Each made anew for a run. */
const bugs: Readonly<Record<string, { readonly program: string; readonly plant: () => PlantedBug; readonly finds: RegExp }>> = {
  'commits before the checkpoint is complete': {
    program: 'rolling sum',
    plant: () =>
      tampering((message) =>
        toSlot('startCheckpoint')(message)
          ? [message, { ...message, message: { do: 'checkpointComplete', checkpointId: message.message.checkpoint.checkpointId } }]
          : [message],
      ),
    finds: /too many|transaction/,
  },
  'a completion is told to nobody': {
    program: 'rolling sum',
    plant: () => tampering(everyNth(1, toSlot('checkpointComplete'), dropped)),
    finds: /did not come to an end|missing/,
  },
  'an assignment of splits is lost': {
    program: 'map, filter, flatMap',
    plant: () => tampering(everyNth(2, toSlot('assignSplits'), dropped)),
    finds: /missing|did not come to an end/,
  },
  'an assignment of splits is heard twice': {
    program: 'map, filter, flatMap',
    plant: () => tampering(everyNth(2, toSlot('assignSplits'), doubled)),
    finds: /too many/,
  },
  'an attempt begins at the beginning': {
    program: 'value state',
    plant: () =>
      tampering((message) => {
        if (message.do !== 'deploy') return [message]
        const { restore: _, ...plan } = message.plan
        return [{ ...message, plan }]
      }),
    finds: /too many|missing/,
  },
  'an attempt forgets the state of a subtask': {
    program: 'value state',
    plant: () =>
      tampering((message) => {
        const { restore } = message.plan ?? {}
        if (message.do !== 'deploy' || restore === undefined) return [message]
        const operators = restore.operators.map((operator: any) => ({ ...operator, subtasks: operator.subtasks.slice(1) }))
        return [{ ...message, plan: { ...message.plan, restore: { ...restore, operators } } }]
      }),
    finds: /too many|missing|failed|snapshot|state/i,
  },
  'a failure of a slot is not told': {
    program: 'rebalance',
    plant: () => tampering((message) => (['slotFailed', 'slotLost'].includes(message.say) || fromSlot('failed')(message) ? [] : [message])),
    finds: /did not come to an end|nothing happens|headrace bug/,
  },
  'a TaskManager goes on saying that a slot is taken': {
    program: 'rolling sum',
    plant: () => {
      const taken = new Map<number, unknown>()
      return tampering((message) => {
        if (message.say !== 'heartbeat' || message.slots === undefined) return [message]
        for (const { index, allocation } of message.slots) if (allocation) taken.set(index, allocation)
        return [{ ...message, slots: message.slots.map((each: any) => ({ ...each, allocation: taken.get(each.index) })) }]
      })
    },
    finds: /did not come to an end/,
  },
  'an end of splits is lost': {
    program: 'union',
    plant: () => tampering(everyNth(3, toSlot('noMoreSplits'), dropped)),
    finds: /did not come to an end/,
  },
  'a segment is lost between TaskManagers': {
    program: 'rebalance',
    plant: () => ({ stream: everyNth(9, (message) => Array.isArray(message) && message.length > 0, dropped) }),
    finds: /./,
  },
  'a segment arrives twice between TaskManagers': {
    program: 'rebalance',
    plant: () => ({ stream: everyNth(9, (message) => Array.isArray(message) && message.length > 0, doubled) }),
    finds: /./,
  },
}

beforeAll(() => loadColumnFormat())

const mostSeeds = 200
const expectedOf = undisturbedOf(programs)

describe('a planted bug is found:', () => {
  it.each(Object.entries(bugs))('%s', { timeout: 120_000 }, async (_name, { program: name, plant, finds }) => {
    const program = programs[name]!
    const expected = await expectedOf(name)
    let found: unknown
    for (let seed = 1; seed <= mostSeeds && found === undefined; seed++) {
      found = await simulateRun(program, seed, expected, { bug: plant() }).then(
        () => undefined,
        (thrown) => thrown,
      )
    }
    expect(String(found)).toMatch(finds)
    expect(found).toBeInstanceOf(Error)
  })
})
