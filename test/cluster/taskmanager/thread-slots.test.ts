import { afterEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/base/core/system-clock.ts'
import type { FileSystem } from '../../../src/base/filesystem/file-system.ts'
import { JobMaster } from '../../../src/cluster/jobmanager/job-master.ts'
import { localSources } from '../../../src/cluster/jobmanager/local-sources.ts'
import { type ThreadSlots, threadSlots } from '../../../src/cluster/taskmanager/thread-slots.ts'
import { type EdgeSpec, jobGraphOf, streamGraphOf } from '../jobmanager/plans.ts'
import type { Step } from '../jobmanager/scripted-slot.ts'
import { scriptedSource } from '../jobmanager/scripted-source.ts'
import type { ScriptedArgs } from './scripted-thread.ts'

const fileSystem = {} as FileSystem
let pool: ThreadSlots | undefined
afterEach(async () => {
  await pool?.close()
})

interface Options {
  readonly edges?: readonly EdgeSpec[]
  readonly args?: Partial<ScriptedArgs>
  readonly heapSizeBytes?: number
  readonly entry?: URL
  readonly warmUp?: number
}

function start(scripts: readonly (readonly Step[])[], options: Options = {}) {
  const vertices = [{ name: 'Source: scripts', parallelism: scripts.length, source: scriptedSource(scripts) }]
  const jobGraph = jobGraphOf(vertices, options.edges)
  const slots = threadSlots({
    program: { url: 'file:///none', file: 'none.ts', args: { jobGraph, ...options.args }, seed: { timeMs: 0, random: 0 } },
    threadEntry: options.entry ?? new URL('./scripted-thread.ts', import.meta.url),
    heapSizeBytes: options.heapSizeBytes,
  })
  pool = slots
  slots.warmUp(options.warmUp ?? 0)
  const rows: unknown[] = []
  const lines: string[] = []
  const coordinator = new JobMaster({
    jobId: 'j1',
    jobGraph,
    collects: new Map(),
    hostSources: localSources({ jobGraph, streamGraph: streamGraphOf(vertices), clock: systemClock, fileSystem }),
    random: () => 0.5,
    yieldTo: setImmediate,
    headrace: 'test',
    place: { directory: '/tmp/unused', isTemporary: true, savepoints: undefined },
    slotPool: slots.forJob([]),
    clock: systemClock,
    fileSystem,
    cancelTimeoutMs: 100,
    print: (_stream, line) => void lines.push(line),
    onCollect: (_id, more) => void rows.push(...more),
  })
  void coordinator.start()
  return { coordinator, rows, lines }
}

describe('slots that are threads', () => {
  it('run the job and report rows, lines and counts', async () => {
    const { coordinator, rows, lines } = start([[{ row: 1 }, { print: 'hello' }], [{ row: 2 }]])
    const result = await coordinator.result
    expect(rows.sort()).toEqual([1, 2])
    expect(lines).toEqual(['hello'])
    expect(result.counters).toEqual({ rows: 2 })
  })

  it('serve from threads that were started before the job was known, more or fewer than it needs', async () => {
    for (const warmUp of [1, 4]) {
      const { coordinator, rows } = start([[{ row: 1 }], [{ row: 2 }]], { warmUp })
      await coordinator.result
      expect(rows.sort()).toEqual([1, 2])
      await pool?.close()
    }
  })

  it('wake each other by ports of their own', async () => {
    const { coordinator, rows } = start([[{ ping: true }], [{ awaitPing: true }, { row: 'woken' }]], {
      edges: [{ from: 0, to: 0, kind: 'hash' }],
    })
    await coordinator.result
    expect(rows).toEqual(['woken'])
  })

  it('fail the job when a user function throws, with the stack of its thread', async () => {
    const { coordinator } = start([[{ throws: 'no field x' }], [{ park: true }]])
    const error = await coordinator.result.catch((thrown) => thrown)
    expect(error).toMatchObject({ code: 'USER_FUNCTION_FAILED', message: 'no field x' })
    expect(error.cause.stack).toContain('scripted-slot.ts')
  })

  it('end within the time for a cancel even in an endless loop', async () => {
    const { coordinator } = start([[{ row: 'begun' }, { spin: true }], [{ park: true }]])
    await new Promise((resolve) => setTimeout(resolve, 300))
    const before = performance.now()
    await coordinator.cancel()
    expect(coordinator.status).toBe('CANCELED')
    expect(performance.now() - before).toBeLessThan(600)
  })

  it('end when another fails while they are in an endless loop', async () => {
    const { coordinator } = start([[{ spin: true }], [{ throws: 'boom' }]])
    await expect(coordinator.result).rejects.toThrow('boom')
  })

  it('fail the job with TASK_LOST, slot and tasks when a thread exits', async () => {
    const { coordinator } = start([[{ park: true }], [{ exit: 3 }]])
    await expect(coordinator.result).rejects.toMatchObject({
      code: 'TASK_LOST',
      message: "The thread of slot 1 of job 'by hand' ended unexpectedly: worker exited with code: 3. It ran Source: scripts (2/2)",
    })
  })

  it('fail the job with TASK_LOST when an error is thrown outside of every call', async () => {
    const { coordinator } = start([[{ throwLater: 'in a timer' }, { park: true }]])
    await expect(coordinator.result).rejects.toMatchObject({ code: 'TASK_LOST', message: expect.stringContaining('in a timer') })
  })

  it('fail the job with TASK_LOST when a thread runs out of its heap', async () => {
    // 1 byte: the least that V8 can start with is taken.
    const { coordinator } = start([[{ fillHeap: true }]], { heapSizeBytes: 1 })
    await expect(coordinator.result).rejects.toMatchObject({
      code: 'TASK_LOST',
      message: expect.stringContaining('it ran out of heap memory. It ran Source: scripts (1/1)'),
    })
  })

  it('refuse a program that plans differently in the thread, naming the operator', async () => {
    const jobGraph = jobGraphOf([{ name: 'Source: other', parallelism: 1, source: scriptedSource([]) }], [], 'g')
    const { coordinator } = start([[{ row: 1 }]], { args: { jobGraph } })
    await expect(coordinator.result).rejects.toMatchObject({
      code: 'PLAN_MISMATCH',
      message: expect.stringContaining("operator 'Source: scripts'"),
    })
  })

  it('fail the job when the program does not plan in the thread', async () => {
    const { coordinator } = start([[{ row: 1 }]], { args: { failPlan: 'no such file' } })
    await expect(coordinator.result).rejects.toThrow('no such file')
  })

  it('fail the job when the thread cannot even load its entry', async () => {
    const { coordinator } = start([[{ row: 1 }]], { entry: new URL('./no-such-thread.ts', import.meta.url) })
    await expect(coordinator.result).rejects.toMatchObject({ code: 'TASK_LOST', message: expect.stringContaining('no-such-thread.ts') })
  })

  it('refuse rows for the client that no thread can clone', async () => {
    const { coordinator } = start([[{ uncloneable: true }]])
    await expect(coordinator.result).rejects.toMatchObject({
      code: 'TYPE_MISMATCH',
      message: expect.stringContaining('A row for collect() cannot be sent'),
    })
  })
})
