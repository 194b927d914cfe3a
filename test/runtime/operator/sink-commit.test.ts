import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../src/base/core/clock.ts'
import type { CommitRequest, Sink } from '../../../src/program/function/sink.ts'
import { dealSnapshots, type SinkSnapshot, SinkTask } from '../../support/sink-driver.ts'

interface Batch {
  readonly id: string
  readonly rows: readonly number[]
}

/** A destination with transactions, and a sink into it. `onCommit` may answer for a request. */
function ledger(onCommit: (request: CommitRequest<Batch>) => void | Promise<void> = () => {}) {
  const visible = new Map<string, readonly number[]>()
  const commits: string[] = []
  const log: string[] = []
  const sink: Sink<number, Batch, { held: readonly number[] }> = {
    name: 'ledger',
    createWriter: (ctx) => writer(`${ctx.attemptNumber}.${ctx.subtaskIndex}`, []),
    restoreWriter: (ctx, states) => {
      log.push(`restore ${states.length}`)
      return writer(
        `${ctx.attemptNumber}.${ctx.subtaskIndex}`,
        states.flatMap(({ held }) => held),
      )
    },
    createCommitter: () => ({
      async commit(requests) {
        for (const request of requests) {
          commits.push(request.committable.id)
          await onCommit(request)
          visible.set(request.committable.id, request.committable.rows)
        }
      },
      close: () => void log.push('committer closed'),
    }),
  }
  // Odd rows are held back until they are three: writer state.
  function writer(owner: string, held: readonly number[]) {
    let rows: number[] = []
    let odd = [...held]
    return {
      write(row: number) {
        if (row % 2 === 1) odd.push(row)
        else rows.push(row)
      },
      flush(endOfInput: boolean) {
        log.push(`flush ${endOfInput}`)
        if (endOfInput || odd.length >= 3) {
          rows.push(...odd)
          odd = []
        }
      },
      prepareCommit(checkpointId: number) {
        const batch = { id: `${owner}.${checkpointId}`, rows }
        rows = []
        return batch.rows.length === 0 ? [] : [batch]
      },
      snapshotState: () => (odd.length === 0 ? [] : [{ held: [...odd] }]),
      close: () => void log.push('writer closed'),
    }
  }
  return { sink, visible, commits, log, rows: () => [...visible.values()].flat().sort((a, b) => a - b) }
}

const committablesOf = (snapshot: SinkSnapshot) => snapshot.tables._committables?.map((row) => [row.checkpointId, (row.value as Batch).id])

describe('a sink with a committer', () => {
  it('flushes, prepares and snapshots at a barrier, and shows nothing before the checkpoint is complete', async () => {
    const { sink, rows, log } = ledger()
    const task = await new SinkTask(sink).open()
    await task.write(1, 2, 4)
    const snapshot = await task.checkpoint(1)
    expect(rows()).toEqual([])
    expect(snapshot.tables).toEqual({
      _writer: [{ value: { held: [1] } }],
      _committables: [{ checkpointId: 1, value: { id: '0.0.1', rows: [2, 4] } }],
    })
    await task.complete(1)
    expect(rows()).toEqual([2, 4])
    await task.operator.close()
    expect(log).toEqual(['flush false', 'committer closed', 'writer closed'])
  })

  it('commits everything up to a completed checkpoint where notifications were lost or merged, in order and once', async () => {
    const { sink, commits } = ledger()
    const task = await new SinkTask(sink).open()
    const snapshots: SinkSnapshot[] = []
    for (const id of [1, 2, 3, 4]) {
      await task.write(id * 2)
      snapshots.push(await task.checkpoint(id))
    }
    // Each snapshot holds all that no commit has confirmed.
    expect(committablesOf(snapshots[2]!)).toEqual([
      [1, '0.0.1'],
      [2, '0.0.2'],
      [3, '0.0.3'],
    ])
    await task.complete(3)
    expect(commits).toEqual(['0.0.1', '0.0.2', '0.0.3'])
    await task.complete(2)
    await task.complete(3)
    expect(commits.length).toBe(3)
    expect(committablesOf(await task.checkpoint(5))).toEqual([[4, '0.0.4']])
    await task.complete(5)
    expect(commits.at(-1)).toBe('0.0.4')
  })

  it('keeps a committable in snapshots while its commit is under way', async () => {
    const gate = Promise.withResolvers<void>()
    const { sink, rows } = ledger(() => gate.promise)
    const task = await new SinkTask(sink).open()
    await task.write(2)
    await task.checkpoint(1)
    const committing = task.complete(1)
    await task.write(4)
    expect(committablesOf(await task.checkpoint(2))).toEqual([
      [1, '0.0.1'],
      [2, '0.0.2'],
    ])
    gate.resolve()
    await committing
    expect(rows()).toEqual([2])
    expect(committablesOf(await task.checkpoint(3))).toEqual([[2, '0.0.2']])
  })

  it('commits restored committables on open, ahead of anything new, and gives the writer all states that fall to it', async () => {
    const before = ledger()
    const tasks = await Promise.all([0, 1].map((subtaskIndex) => new SinkTask(before.sink, { subtaskIndex, parallelism: 2 }).open()))
    await tasks[0]!.write(1, 2)
    await tasks[1]!.write(3, 4)
    const snapshots = [await tasks[0]!.checkpoint(1), await tasks[1]!.checkpoint(1)]
    const [restored] = dealSnapshots(snapshots, 1)
    const after = ledger()
    const task = await new SinkTask(after.sink, { attemptNumber: 1, restored: restored! }).open()
    expect(after.rows()).toEqual([2, 4])
    expect(after.log).toEqual(['restore 2'])
    expect(committablesOf(await task.checkpoint(2))).toEqual([])
    await task.finish(3)
    expect(after.rows()).toEqual([1, 2, 3, 4])
  })

  it('commits the same again where the first commit was not confirmed before a crash', async () => {
    const { sink, commits, rows } = ledger()
    const task = await new SinkTask(sink).open()
    await task.write(2)
    const snapshot = await task.checkpoint(1)
    await task.complete(1)
    const again = await new SinkTask(sink, { attemptNumber: 1, restored: snapshot }).open()
    expect(commits).toEqual(['0.0.1', '0.0.1'])
    expect(rows()).toEqual([2])
    await again.finish(2)
    expect(rows()).toEqual([2])
  })

  it('commits the end with the last checkpoint, and flushes the end only once however many checkpoints follow', async () => {
    const { sink, rows, log } = ledger()
    const task = await new SinkTask(sink).open()
    await task.write(1, 2)
    await task.operator.endInput()
    expect(rows()).toEqual([])
    await task.checkpoint(1)
    await task.checkpoint(2)
    await task.complete(2)
    expect(rows()).toEqual([1, 2])
    expect(log).toEqual(['flush true'])
  })

  it('commits at the end of input where no checkpoints are taken', async () => {
    const { sink, rows, commits } = ledger()
    const task = await new SinkTask(sink, { checkpointing: false }).open()
    await task.write(1, 2)
    await task.operator.endInput()
    expect(rows()).toEqual([1, 2])
    expect(commits).toEqual(['0.0.1'])
  })
})

describe('a commit request', () => {
  it('is tried again later, longer each time, with what it was updated to, and holds up later checkpoints', async () => {
    const clock = new ManualClock()
    const seen: [id: string, retries: number, atMs: number][] = []
    const { sink } = ledger((request) => {
      const { id, rows } = request.committable
      seen.push([id, request.numberOfRetries, clock.now()])
      if (id === '0.0.1' && request.numberOfRetries < 2) request.retryLater()
      else if (id === '0.0.1') request.updateAndRetryLater({ id: 'rest', rows })
    })
    const task = await new SinkTask(sink, { clock }).open()
    await task.write(2)
    await task.checkpoint(1)
    await task.write(4)
    await task.checkpoint(2)
    const committing = task.complete(2)
    for (const ms of [100, 200, 400]) {
      await settle()
      clock.advance(ms)
    }
    await committing
    expect(seen).toEqual([
      ['0.0.1', 0, 0],
      ['0.0.1', 1, 100],
      ['0.0.1', 2, 300],
      ['rest', 3, 700],
      ['0.0.2', 0, 700],
    ])
  })

  it('fails the task when it was put off ten times', async () => {
    const clock = new ManualClock()
    const { sink, commits } = ledger((request) => request.retryLater())
    const task = await new SinkTask(sink, { clock }).open()
    await task.write(2)
    await task.checkpoint(1)
    const committing = expect(task.complete(1)).rejects.toMatchObject({ code: 'USER_FUNCTION_FAILED', place: { subtask: 0 } })
    for (let i = 0; i < 12; i++) {
      await settle()
      clock.advance(10_000)
    }
    await committing
    expect(commits.length).toBe(11)
  })

  it('that can never be committed is dropped, said and counted; one that was committed before counts apart', async () => {
    const { sink } = ledger((request) => {
      if (request.committable.id === '0.0.1') request.signalFailedWithKnownReason(new Error('expired'))
      else request.signalAlreadyCommitted()
    })
    const task = await new SinkTask(sink).open()
    for (const id of [1, 2]) {
      await task.write(2)
      await task.checkpoint(id)
    }
    await task.complete(2)
    expect(committablesOf(await task.checkpoint(3))).toEqual([])
    expect(task.ctx.printed).toEqual([{ stream: 'stderr', line: 'operator operator under test gives up a commit: Error: expired' }])
    expect(task.ctx.counters).toEqual({ commitsFailed: 1, commitsRepeated: 1 })
  })

  it('that fails for an unknown reason fails the task, as does a committer that throws, and stays in the state', async () => {
    for (const fail of [
      (request: CommitRequest<Batch>) => request.signalFailedWithUnknownReason(new Error('no idea')),
      () => Promise.reject(new Error('no idea')),
    ]) {
      const { sink } = ledger(fail)
      const task = await new SinkTask(sink).open()
      await task.write(2)
      await task.checkpoint(1)
      await expect(task.complete(1)).rejects.toMatchObject({
        code: 'USER_FUNCTION_FAILED',
        message: 'commit of operator operator under test failed: Error: no idea',
      })
      expect(committablesOf(await task.checkpoint(2))).toEqual([[1, '0.0.1']])
    }
  })

  it('that waits for its next try does not hold up the close of its operator', async () => {
    const { sink, log } = ledger((request) => request.retryLater())
    const task = await new SinkTask(sink).open()
    await task.write(2)
    await task.checkpoint(1)
    const committing = task.complete(1)
    await settle()
    await task.operator.close()
    await committing
    expect(log.slice(-2)).toEqual(['committer closed', 'writer closed'])
  })
})

describe('a sink that lacks a part', () => {
  const plain = { write: () => {}, flush: () => {}, close: () => {} }
  it.each([
    ['createCommitter', { createWriter: () => ({ ...plain, prepareCommit: () => [] }) }],
    ['restoreWriter', { createWriter: () => ({ ...plain, snapshotState: () => [] }) }],
  ])('is refused without %s where its writer needs it', async (method, parts) => {
    const task = new SinkTask({ name: 'partial', ...parts })
    await expect(task.open()).rejects.toMatchObject({ code: 'INVALID_PROGRAM', message: expect.stringContaining(`has no ${method}`) })
    await task.operator.close()
  })

  it('is refused where the snapshot has states or committables that it cannot take', async () => {
    const { sink } = ledger()
    const task = await new SinkTask(sink).open()
    await task.write(1, 2)
    const restored = await task.checkpoint(1)
    await expect(new SinkTask({ name: 'other', createWriter: () => plain }, { restored }).open()).rejects.toThrow(/has no createCommitter/)
    const { createCommitter } = sink
    const halfway = { name: 'other', createWriter: () => plain, createCommitter: createCommitter! }
    await expect(new SinkTask(halfway, { restored }).open()).rejects.toThrow(/has no restoreWriter/)
  })
})

/** Lets promises that need no time come to their end. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve()
}
