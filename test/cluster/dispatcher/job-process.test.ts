/**
 * The life of a job process, on a clock of the test's own and with a process that does as it is told.
 */
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../src/base/core/clock.ts'
import { StreamError } from '../../../src/base/core/stream-error.ts'
import { JobProcess, type ProcessEvents } from '../../../src/cluster/dispatcher/job-process.ts'
import type { FromJobProcess, ToJobProcess } from '../../../src/cluster/dispatcher/job-process-messages.ts'
import type { RemoteSources } from '../../../src/cluster/dispatcher/remote-sources.ts'

const program = { bytes: new Uint8Array(), file: 'p.ts', args: {}, seed: { timeMs: 0, random: 0 }, config: {}, plan: false }
const killed = new StreamError('USER_FUNCTION_FAILED', 'it was killed')
const submit = { say: 'submit', job: 0, planned: {} } as unknown as FromJobProcess

function start() {
  const clock = new ManualClock()
  const said: string[] = []
  const sent: ToJobProcess[] = []
  let events!: ProcessEvents
  let sources: RemoteSources | undefined
  const process = new JobProcess({
    ...{ program, clock, mainTimeoutMs: 1000 },
    start: (given) => {
      events = given
      return { send: (message) => void sent.push(message), kill: () => given.exited(killed) }
    },
    onBundled: () => void said.push('bundled'),
    onPlanned: () => void said.push('planned'),
    onSubmit: (_job, _planned, given) => {
      sources = given
      said.push('submit')
    },
    onAsked: (job, request, { ask }) => void said.push(`asked ${job} ${request} ${ask}`),
    onMainEnded: (error) => void said.push(`main ended${error === undefined ? '' : `: ${error.message}`}`),
    onExited: () => void said.push('exited'),
  })
  const hear = (message: FromJobProcess): void => events.message(message)
  const accept = (): void => {
    hear(submit)
    process.accepted(0, { jobId: 'j' })
  }
  return { process, clock, said, sent, hear, accept, exit: () => events.exited(killed), sources: () => sources! }
}

describe('a job process', () => {
  it('is told to exit when main has ended and no job of it runs any more', () => {
    const { process, sent, hear, accept, said } = start()
    accept()
    hear({ say: 'mainEnded' })
    expect(sent.some(({ do: what }) => what === 'exit')).toBe(false)
    process.over(0, { do: 'failed', job: 0, status: 'CANCELED', error: killed.toWire() })
    expect(sent.at(-1)).toEqual({ do: 'exit' })
    expect(said).toEqual(['submit', 'main ended'])
  })

  it('is ended when main comes to no job in its time, and tells why', () => {
    const { clock, said } = start()
    clock.advance(999)
    expect(said).toEqual([])
    clock.advance(1)
    expect(said).toEqual(['main ended: main of p.ts was ended: no job of it ran for 1 s', 'exited'])
  })

  it('may take its time while a job runs, as long as it answers', () => {
    const { clock, hear, accept, sent, said } = start()
    accept()
    for (let i = 0; i < 5; i++) {
      hear({ say: 'pong', number: (sent.findLast(({ do: what }) => what === 'ping') as { number: number }).number })
      clock.advance(1000)
    }
    expect(said).toEqual(['submit'])
    clock.advance(1000)
    expect(said.at(-2)).toMatch(/did not answer for 1 s/)
  })

  it('that is gone fails the sources of its jobs, answers what is asked of them, and is heard no more', async () => {
    const { accept, exit, hear, said, sources, process, sent } = start()
    accept()
    const told: string[] = []
    const host = sources().host({ toReader: () => undefined, failed: (error) => void told.push(error.message) })
    host.snapshotAll(7, (answer) => void told.push(answer instanceof StreamError ? `no snapshot: ${answer.message}` : 'snapshot'))
    const closed = host.close([0])
    exit()
    exit()
    hear({ say: 'mainEnded' })
    await closed
    expect(told).toEqual(['no snapshot: it was killed', 'it was killed'])
    expect(said).toEqual(['submit', 'main ended: it was killed', 'exited'])
    const count = sent.length
    process.send({ do: 'exit' })
    expect(sent).toHaveLength(count)
    host.snapshotAll(8, (answer) => void told.push((answer as StreamError).message))
    expect(told.at(-1)).toBe('it was killed')
  })
})

describe('enumerators in a job process', () => {
  it('put what they assign behind a snapshot behind the answer, in the order of the messages', () => {
    const { accept, hear, sources } = start()
    accept()
    const heard: string[] = []
    const host = sources().host({ toReader: ({ do: what }) => void heard.push(what), failed: () => undefined })
    host.snapshotAll(1, () => void heard.push('snapshot 1'))
    host.snapshotAll(2, () => void heard.push('snapshot 2'))
    const assign = { do: 'assignSplits', vertex: 0, subtask: 0, splits: [] } as const
    const answer = (given: object) => hear({ say: 'sources', job: 0, answer: given } as FromJobProcess)
    answer({ tell: 'toReader', message: assign })
    answer({ tell: 'snapshot', held: new Map() })
    answer({ tell: 'toReader', message: { ...assign, do: 'noMoreSplits' } })
    answer({ tell: 'snapshot', held: new Map() })
    expect(heard).toEqual(['assignSplits', 'snapshot 1', 'noMoreSplits', 'snapshot 2'])
  })
})
