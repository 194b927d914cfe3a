import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../src/base/core/clock.ts'
import type { StreamError } from '../../../src/base/core/stream-error.ts'
import type { FileSystem } from '../../../src/base/filesystem/file-system.ts'
import { SourceCoordinator } from '../../../src/cluster/jobmanager/source-coordinator.ts'
import type { SplitEnumerator, SplitEnumeratorContext } from '../../../src/program/function/source.ts'

const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

function coordinate(
  make: (ctx: SplitEnumeratorContext<unknown>, log: string[], restored: unknown) => Partial<SplitEnumerator<unknown>>,
  restored?: unknown,
) {
  const log: string[] = []
  const clock = new ManualClock()
  const failures: StreamError[] = []
  const coordinator = new SourceCoordinator({
    source: {
      name: 'test',
      boundedness: 'bounded',
      createEnumerator: (ctx, state) => ({
        start: () => undefined,
        addReader: (subtask) => void log.push(`reader ${subtask}`),
        handleSplitRequest: (subtask) => void log.push(`request ${subtask}`),
        snapshotState: () => undefined,
        close: () => void log.push('close'),
        ...make(ctx, log, state),
      }),
      createReader: () => {
        throw new Error('no reader here')
      },
    },
    vertex: 7,
    name: 'flights',
    parallelism: 2,
    clock,
    fileSystem: {} as FileSystem,
    restored,
    send: (message) => void log.push(JSON.stringify(message)),
    fail: (error) => void failures.push(error),
  })
  return { coordinator, log, clock, failures }
}

describe('the coordinator of a source', () => {
  it('enters the enumerator only after an asynchronous start, and then with what came meanwhile, in order', async () => {
    let started!: () => void
    const { coordinator, log } = coordinate(() => ({ start: () => new Promise<void>((resolve) => void (started = resolve)) }))
    const start = coordinator.start()
    coordinator.registerReader(1)
    coordinator.requestSplit(1)
    expect(log).toEqual([])
    started()
    await start
    expect(log).toEqual(['reader 1', 'request 1'])
  })

  it('sends nothing for an enumerator that is closed: the slots are those of the next attempt by then', async () => {
    let context!: SplitEnumeratorContext<unknown>
    const { coordinator, log } = coordinate((ctx) => {
      context = ctx
      return {}
    })
    await coordinator.start()
    coordinator.registerReader(1)
    await coordinator.close()
    context.assignSplits(1, ['late'])
    context.signalNoMoreSplits(1)
    context.sendEventToReader(1, 'late')
    expect(log).toEqual(['reader 1', 'close'])
  })

  it('sends splits, their end and events to the subtask that they are for', async () => {
    const { coordinator, log } = coordinate((ctx) => ({
      handleSplitRequest(subtask) {
        ctx.assignSplits(subtask, ['a', 'b'])
        ctx.sendEventToReader(subtask, { hello: 1 })
        ctx.signalNoMoreSplits(subtask)
      },
    }))
    await coordinator.start()
    coordinator.registerReader(1)
    coordinator.requestSplit(1)
    expect(log).toEqual([
      'reader 1',
      '{"do":"assignSplits","vertex":7,"subtask":1,"splits":["a","b"]}',
      '{"do":"readerEvent","vertex":7,"subtask":1,"event":{"hello":1}}',
      '{"do":"noMoreSplits","vertex":7,"subtask":1}',
    ])
  })

  it('shows the enumerator the readers that have registered, in order', async () => {
    let context!: SplitEnumeratorContext<unknown>
    const { coordinator } = coordinate((ctx) => {
      context = ctx
      return {}
    })
    await coordinator.start()
    coordinator.registerReader(1)
    coordinator.registerReader(0)
    expect(context.registeredReaders()).toEqual([0, 1])
  })

  it('fails an enumerator that assigns splits to a reader that has not registered', async () => {
    const { coordinator, failures } = coordinate((ctx) => ({ addReader: () => ctx.assignSplits(1, ['a']) }))
    await coordinator.start()
    coordinator.registerReader(0)
    expect(failures.map((error) => error.message)).toEqual([
      "The enumerator of source 'flights' assigned splits to subtask 1, whose reader has not registered",
    ])
  })

  it('repeats periodic work a period after the last run ended, until it is closed', async () => {
    let runs = 0
    const { coordinator, log, clock } = coordinate((ctx, out) => ({
      start: () =>
        ctx.callAsync(
          async () => ++runs,
          (run) => void out.push(`run ${run}`),
          100,
        ),
    }))
    await coordinator.start()
    await settled()
    clock.advance(99)
    await settled()
    expect(log).toEqual(['run 1'])
    clock.advance(1)
    await settled()
    expect(log).toEqual(['run 1', 'run 2'])
    await coordinator.close()
    clock.advance(1000)
    await settled()
    expect(log).toEqual(['run 1', 'run 2', 'close'])
  })

  it('drops a result that comes after close', async () => {
    let finish!: () => void
    const { coordinator, log, failures } = coordinate((ctx, out) => ({
      start: () =>
        ctx.callAsync(
          () => new Promise<void>((resolve) => void (finish = resolve)),
          () => void out.push('handled'),
        ),
    }))
    await coordinator.start()
    await coordinator.close()
    finish()
    await settled()
    expect(log).toEqual(['close'])
    expect(failures).toEqual([])
  })

  it.each([
    [
      'createEnumerator',
      () => {
        throw new Error('no such topic')
      },
      'during starting it: Error: no such topic',
    ],
    [
      'start',
      () => ({
        start: async () => {
          throw new Error('refused')
        },
      }),
      'during starting it: Error: refused',
    ],
    [
      'async work',
      (ctx: SplitEnumeratorContext<unknown>) => ({
        start: () =>
          ctx.callAsync(
            async () => {
              throw new Error('listing')
            },
            () => undefined,
          ),
      }),
      'during its asynchronous work: Error: listing',
    ],
    [
      'addReader',
      () => ({
        addReader: () => {
          throw new Error('add')
        },
      }),
      'during adding reader 0: Error: add',
    ],
  ] as const)('fails the job once when %s throws, naming the source', async (_what, make, message) => {
    const { coordinator, failures } = coordinate(make as never)
    await coordinator.start()
    await settled()
    coordinator.registerReader(0)
    coordinator.registerReader(0)
    expect(failures.map((error) => error.message)).toEqual([`The enumerator of source 'flights' failed ${message}`])
    expect(failures[0]!.place.operator).toBe('flights')
  })

  it('reports a close that throws, and does not reject', async () => {
    const { coordinator, failures } = coordinate(() => ({
      close: async () => {
        throw new Error('disk')
      },
    }))
    await coordinator.start()
    await coordinator.close()
    expect(failures.map((error) => error.message)).toEqual(["The enumerator of source 'flights' failed during closing it: Error: disk"])
  })

  it('refuses an event for an enumerator that has no handler for it', async () => {
    const { coordinator, failures } = coordinate(() => ({}))
    await coordinator.start()
    coordinator.readerEvent(0, 'x')
    expect(failures[0]!.code).toBe('INVALID_PROGRAM')
  })

  it('makes the enumerator from the state that is restored', async () => {
    const seen: unknown[] = []
    const { coordinator } = coordinate((_ctx, _log, restored) => ({ start: () => void seen.push(restored) }), { pending: ['a'] })
    await coordinator.start()
    expect(seen).toEqual([{ pending: ['a'] }])
  })

  it('takes a snapshot that later changes do not reach', async () => {
    const pending = ['a', 'b']
    const { coordinator } = coordinate(() => ({ snapshotState: (id) => ({ id, pending }) }))
    await coordinator.start()
    const snapshot = coordinator.snapshot(5)
    pending.pop()
    expect(snapshot).toEqual({ id: 5, pending: ['a', 'b'] })
  })

  it('declines a checkpoint while the enumerator starts, and once it has failed or is closed', async () => {
    let started!: () => void
    const { coordinator, failures } = coordinate(() => ({ start: () => new Promise<void>((resolve) => void (started = resolve)) }))
    const declined = (message: string) => expect.objectContaining({ code: 'CHECKPOINT_DECLINED', message, place: { operator: 'flights' } })
    expect(() => coordinator.snapshot(1)).toThrow(
      declined("The enumerator of source 'flights' has not begun to start, so it has no state to save"),
    )
    const start = coordinator.start()
    expect(() => coordinator.snapshot(1)).toThrow(
      declined("The enumerator of source 'flights' is still starting, so it has no state to save"),
    )
    started()
    await start
    expect(coordinator.snapshot(2)).toBeUndefined()
    await coordinator.close()
    expect(() => coordinator.snapshot(3)).toThrow(declined("The enumerator of source 'flights' is closed, so it has no state to save"))
    expect(failures).toEqual([])
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('lost count')
      },
      'Error: lost count',
    ],
    ['gives what is no plain data', () => ({ next: () => 1 }), 'DataCloneError'],
  ])('fails the job, and the checkpoint, when snapshotState %s', async (_what, snapshotState, message) => {
    const { coordinator, failures } = coordinate(() => ({ snapshotState }))
    await coordinator.start()
    expect(() => coordinator.snapshot(4)).toThrow(message)
    expect(failures.map((error) => error.message)).toEqual([
      expect.stringContaining("The enumerator of source 'flights' failed during its snapshot for checkpoint 4: "),
    ])
    expect(() => coordinator.snapshot(5)).toThrow('has failed')
  })

  it('tells the enumerator of completed checkpoints, if it listens', async () => {
    const deaf = coordinate(() => ({}))
    await deaf.coordinator.start()
    deaf.coordinator.notifyCheckpointComplete(1)
    const { coordinator, log } = coordinate((_ctx, out) => ({ notifyCheckpointComplete: (id) => void out.push(`complete ${id}`) }))
    await coordinator.start()
    coordinator.notifyCheckpointComplete(7)
    expect(log).toEqual(['complete 7'])
    expect(deaf.failures).toEqual([])
  })

  it('snapshots what is not assigned while asynchronous work is under way, and takes its result later', async () => {
    let finish!: (found: string[]) => void
    const { coordinator } = coordinate((ctx) => {
      const pending: string[] = []
      return {
        start: () =>
          ctx.callAsync(
            () => new Promise<string[]>((resolve) => void (finish = resolve)),
            (found) => void pending.push(...found),
          ),
        snapshotState: () => pending,
      }
    })
    await coordinator.start()
    expect(coordinator.snapshot(1)).toEqual([])
    finish(['a'])
    await settled()
    expect(coordinator.snapshot(2)).toEqual(['a'])
  })
})
