import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/base/core/system-clock.ts'
import type { FileSystem } from '../../../src/base/filesystem/file-system.ts'
import { JobMaster } from '../../../src/cluster/jobmanager/job-master.ts'
import { localSources } from '../../../src/cluster/jobmanager/local-sources.ts'
import { inlineSlots } from '../../../src/cluster/taskmanager/inline-slots.ts'
import type { Source } from '../../../src/program/function/source.ts'
import { type EdgeSpec, jobGraphOf, streamGraphOf } from './plans.ts'
import { type Step, scriptedSlot } from './scripted-slot.ts'
import { scriptedSource } from './scripted-source.ts'

const fileSystem = {} as FileSystem

function start(
  scripts: readonly (readonly Step[])[],
  options: { source?: Source<any, any, any>; edges?: readonly EdgeSpec[]; onCollect?: (rows: readonly unknown[]) => void } = {},
) {
  const vertices = [
    { name: 'Source: scripts', parallelism: Math.max(1, scripts.length), source: options.source ?? scriptedSource(scripts) },
  ]
  const jobGraph = jobGraphOf(vertices, options.edges)
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
    slotPool: inlineSlots({ runSlot: scriptedSlot, clock: systemClock, fileSystem, yieldTo: setImmediate }, streamGraphOf(vertices)),
    clock: systemClock,
    fileSystem,
    cancelTimeoutMs: 30,
    print: (stream, line) => void lines.push(`${stream}: ${line}`),
    onCollect: (id, more) => {
      options.onCollect?.(more)
      rows.push(...more.map((row) => `${id} ${row}`))
    },
  })
  void coordinator.start()
  return { coordinator, rows, lines }
}

describe('a job coordinated inline', () => {
  it('hands out splits, collects rows and lines, and ends with the counts of its operators', async () => {
    const { coordinator, rows, lines } = start([[{ row: 1 }, { print: 'hello' }, { row: 2 }], [{ row: 3 }]])
    expect(coordinator.status).toBe('RUNNING')
    const result = await coordinator.result
    expect(coordinator.status).toBe('FINISHED')
    expect(rows.sort()).toEqual(['out 1', 'out 2', 'out 3'])
    expect(lines).toEqual(['stdout: hello'])
    expect(result).toMatchObject({
      jobId: 'j1',
      jobName: 'by hand',
      counters: { rows: 3 },
      operators: [{ name: 'Source: scripts', recordsIn: 3, recordsOut: 3, lateRecordsDropped: 0 }],
    })
  })

  it('gives the same order of rows in each run', async () => {
    const script = (from: number) => Array.from({ length: 5 }, (_, n) => ({ row: from + n }))
    const once = async () => {
      const { coordinator, rows } = start([script(0), script(10), script(20)])
      await coordinator.result
      return rows
    }
    expect(await once()).toEqual(await once())
  })

  it('wakes a slot whose peer has something for it', async () => {
    const { coordinator, rows } = start([[{ ping: true }], [{ awaitPing: true }, { row: 'woken' }]], {
      edges: [{ from: 0, to: 0, kind: 'hash' }],
    })
    await coordinator.result
    expect(rows).toEqual(['out woken'])
  })

  it('fails with the error of a task and its job, and cancels the others', async () => {
    const { coordinator } = start([[{ throws: 'no field x' }], [{ park: true }]])
    await expect(coordinator.result).rejects.toMatchObject({
      code: 'USER_FUNCTION_FAILED',
      message: 'no field x',
      place: { job: 'by hand' },
    })
    expect(coordinator.status).toBe('FAILED')
  })

  it('fails with the error of an enumerator', async () => {
    const source = scriptedSource([])
    const broken = {
      ...source,
      createEnumerator: () => {
        throw new Error('no such folder')
      },
    }
    await expect(start([[]], { source: broken }).coordinator.result).rejects.toThrow(
      "The enumerator of source 'Source: scripts' failed during starting it: Error: no such folder",
    )
  })

  it('fails when the caller of collect throws', async () => {
    const { coordinator } = start([[{ row: 1 }]], {
      onCollect: () => {
        throw new Error('client')
      },
    })
    await expect(coordinator.result).rejects.toMatchObject({ code: 'USER_FUNCTION_FAILED', message: 'client' })
  })

  it('refuses splits that are not plain data, as threads would', async () => {
    await expect(start([[{ row: () => 1 }]]).coordinator.result).rejects.toThrow('could not be cloned')
  })

  it('can be cancelled, and rejects its result with CANCELLED', async () => {
    const { coordinator } = start([[{ park: true }]])
    await coordinator.cancel()
    expect(coordinator.status).toBe('CANCELED')
    await expect(coordinator.result).rejects.toMatchObject({ code: 'CANCELLED', message: "Job 'by hand' was cancelled" })
  })

  it('gives up a slot that does not answer a cancel within the time for it', async () => {
    const { coordinator } = start([[{ row: 1 }, { hang: true }]])
    await new Promise((resolve) => setTimeout(resolve, 10))
    await coordinator.cancel()
    expect(coordinator.status).toBe('CANCELED')
  })

  it('routes events between readers and their enumerator', async () => {
    const heard: unknown[] = []
    const { coordinator } = start([], {
      source: scriptedSource([[{ event: 'late' }]], (subtask, event) => void heard.push([subtask, event])),
    })
    await coordinator.result
    expect(heard).toEqual([[0, 'late']])
  })

  it('reports its progress to listeners, the last time when it ends', async () => {
    const { coordinator } = start([[{ row: 1 }, { row: 2 }]])
    const reports: number[] = []
    coordinator.onProgress(({ recordsIn }) => void reports.push(recordsIn))
    await coordinator.result
    expect(reports.at(-1)).toBe(2)
  })
})
