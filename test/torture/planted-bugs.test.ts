/**
 * The harness finds what it is for: each of these bugs, put between the job and its slots or its files, is found within some dozens of runs.
 */
import { beforeAll, describe, expect, test } from 'vitest'
import { loadColumnFormat } from '../../src/base/columnar/column-file-writer.ts'
import type { CheckpointMetadata } from '../../src/runtime/checkpoint/checkpoint-metadata.ts'
import type { FromSlot, SlotDeployment, ToSlot } from '../../src/runtime/task/deployment.ts'
import { runSlot } from '../../src/runtime/task/run-slot.ts'
import type { RunSlot } from '../../src/runtime/task/slot.ts'
import { programs } from './programs.ts'
import { torment, undisturbed } from './torment.ts'

beforeAll(() => loadColumnFormat())

type Restored = CheckpointMetadata['operators'][number]

/** A slot that is told something else than what the job says, or is heard otherwise. */
interface Liar {
  readonly deployment?: (deployment: SlotDeployment) => SlotDeployment
  /** What the slot gets to hear instead. */
  readonly told?: (message: ToSlot) => readonly ToSlot[]
  readonly says?: (message: FromSlot) => readonly FromSlot[]
}

const lying =
  ({ deployment = (same) => same, told = (same) => [same], says = (same) => [same] }: Liar): RunSlot =>
  (honest, graph, host) =>
    runSlot(deployment(honest), graph, {
      ...host,
      control: {
        send: (message) => {
          for (const said of says(message)) host.control.send(said)
        },
        onMessage: (handler) => host.control.onMessage((message) => told(message).forEach((each) => handler(each))),
      },
    })

const restoring = (change: (operator: Restored) => Restored): Liar => ({
  deployment: (deployment) =>
    deployment.restore === undefined
      ? deployment
      : { ...deployment, restore: { ...deployment.restore, operators: deployment.restore.operators.map(change) } },
})

const withoutState = (isLost: (name: string) => boolean) =>
  restoring((operator) => ({
    ...operator,
    subtasks: operator.subtasks.map((subtask) => ({ ...subtask, states: subtask.states.filter(({ name }) => !isLost(name)) })),
  }))

const bugs: Readonly<Record<string, { readonly program: string; readonly lie: Liar; readonly finds?: RegExp }>> = {
  'commits before the checkpoint is complete': {
    program: 'rebalance',
    lie: {
      told: (message) =>
        message.do === 'startCheckpoint'
          ? [message, { do: 'checkpointComplete', checkpointId: message.checkpoint.checkpointId }]
          : [message],
    },
  },
  'inputs that do not wait for the barriers of others: rows behind them get into the snapshot': {
    program: 'rolling sum',
    lie: { deployment: (deployment) => ({ ...deployment, checkpointing: { mode: 'AT_LEAST_ONCE' } }) },
  },
  'a state that is not restored': { program: 'value state', lie: withoutState((name) => name === 'total') },
  'timers that are not restored': { program: 'event timers', lie: withoutState((name) => name === '_timers') },
  'windows that are not restored': { program: 'sliding windows, aggregates', lie: withoutState((name) => name.startsWith('_')) },
  'committables that are lost': { program: 'rebalance', lie: withoutState((name) => name.includes('ommit')) },
  'splits that are restored twice': {
    program: 'rebalance',
    lie: restoring((operator) => ({ ...operator, subtasks: operator.subtasks.flatMap((subtask) => [subtask, subtask]) })),
  },
  'splits that are not restored': { program: 'rebalance', lie: withoutState((name) => name.includes('plits')) },
  'completions that are never told': {
    program: 'rebalance',
    lie: { told: (message) => (message.do === 'checkpointComplete' ? [] : [message]) },
    finds: /nothing goes on|goes on for ever/,
  },
  'acknowledgements without their files': {
    program: 'value state',
    lie: {
      says: (message) =>
        message.say === 'checkpointAcknowledged'
          ? [
              {
                ...message,
                snapshot: { ...message.snapshot, operators: message.snapshot.operators.map((each) => ({ ...each, states: [] })) },
              },
            ]
          : [message],
    },
  },
}

describe('the harness finds', () => {
  test.each(Object.entries(bugs))('%s', async (_bug, { program: name, lie, finds = /rows \d+ are missing/ }) => {
    const program = programs[name]!
    const expected = await undisturbed(program)
    let found: unknown
    for (let seed = 1; seed <= 60 && found === undefined; seed++) {
      await torment(program, seed, expected, { runSlot: lying(lie) }).catch((error) => void (found = error))
    }
    expect(String(found)).toMatch(finds)
  })
})
