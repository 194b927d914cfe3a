/**
 * A whole job on a bench: planned as a user's program is, built into its real tasks with real rings, and stepped by hand under
 * a clock that is moved by hand. Sources say what their script says; sinks keep what they are given.
 */

import { ManualClock } from '../../../src/base/core/clock.ts'
import type { Config } from '../../../src/base/core/config-options.ts'
import { MemoryFileSystem } from '../../../src/base/filesystem/memory-file-system.ts'
import { deployJob } from '../../../src/cluster/jobmanager/deploy-job.ts'
import type { NetworkMemory } from '../../../src/cluster/jobmanager/network-memory.ts'
import type { Environment } from '../../../src/program/api/environment.ts'
import type { Sink, SinkWriteContext, SinkWriter } from '../../../src/program/function/sink.ts'
import type { Source, SourceReader, SourceReaderContext, SourceUnit } from '../../../src/program/function/source.ts'
import { buildTask } from '../../../src/runtime/task/build-task.ts'
import type { FromSlot, SlotDeployment } from '../../../src/runtime/task/deployment.ts'
import { SourceInput } from '../../../src/runtime/task/source-input.ts'
import type { Task } from '../../../src/runtime/task/task.ts'
import type { StepResult } from '../../../src/runtime/task/task-options.ts'
import { wireSlots } from '../../../src/runtime/task/wire-slots.ts'
import { planOf } from '../../program/graph/plan-support.ts'

/** One pollNext: a unit, a watermark of the reader's own, nothing until `wait` resolves, or an error. */
export type SourceStep =
  | SourceUnit<any>
  | { readonly watermark: number }
  | { readonly idle: true }
  | { readonly wait: Promise<void> }
  | { readonly fail: unknown }

export const rowsUnit = (rows: readonly unknown[], timestamps?: readonly number[]): SourceStep => ({
  kind: 'rows',
  rows,
  ...(timestamps && { timestamps }),
})

/** `script` gives the steps of each subtask; the source ends behind the last. */
export function scriptedSource(
  script: (subtask: number) => Iterable<SourceStep>,
  onClose: () => void = () => undefined,
): Source<any, never, null> {
  return {
    name: 'scripted',
    boundedness: 'bounded',
    createEnumerator: () => ({
      start: () => undefined,
      addReader: () => undefined,
      handleSplitRequest: () => undefined,
      snapshotState: () => null,
      close: () => undefined,
    }),
    createReader: (ctx) => scriptedReader(script(ctx.subtaskIndex)[Symbol.iterator](), onClose),
  }
}

function scriptedReader(steps: Iterator<SourceStep>, onClose: () => void): SourceReader<any, never> {
  let waitsFor: Promise<void> = Promise.resolve()
  return {
    start: () => undefined,
    pollNext(output) {
      const { value: step, done } = steps.next()
      if (done === true) return 'end'
      if ('fail' in step) throw step.fail
      if ('watermark' in step) output.emitWatermark(step.watermark)
      else if ('idle' in step) output.markIdle()
      else if ('wait' in step) {
        waitsFor = step.wait
        return 'nothing'
      } else output.emit(step)
      return 'more'
    },
    isAvailable: () => waitsFor,
    addSplits: () => undefined,
    notifyNoMoreSplits: () => undefined,
    snapshotState: () => [],
    close: () => onClose(),
  }
}

export interface Written {
  readonly row: any
  readonly timestamp: number | null
  readonly watermark: number
  readonly subtask: number
}

/** Keeps rows, and tells when it is flushed and closed. `write` may make it wait or fail. */
export class ListSink implements Sink<any> {
  readonly name = 'list'
  readonly written: Written[] = []
  readonly log: string[] = []
  readonly #write: (row: any) => void | Promise<void>

  constructor(write: (row: any) => void | Promise<void> = () => undefined) {
    this.#write = write
  }

  get rows(): any[] {
    return this.written.map(({ row }) => row)
  }

  createWriter(ctx: { readonly subtaskIndex: number }): SinkWriter<any> {
    return {
      write: (row, { timestamp, currentWatermark }: SinkWriteContext) => {
        this.written.push({ row, timestamp, watermark: currentWatermark, subtask: ctx.subtaskIndex })
        return this.#write(row)
      },
      flush: (endOfInput) => void this.log.push(`flush ${endOfInput}`),
      close: () => void this.log.push('close'),
    }
  }
}

export interface BenchOptions {
  readonly config?: Config
  readonly network?: NetworkMemory
  readonly clock?: ManualClock
}

export class JobBench {
  readonly clock: ManualClock
  readonly tasks: Task[] = []
  readonly failures: unknown[] = []
  readonly messages: FromSlot[] = []
  readonly phases: string[] = []
  /** Calls of wake: something asked for a turn. */
  wakes = 0

  private constructor(clock: ManualClock) {
    this.clock = clock
  }

  static async of(program: (env: Environment) => void, options: BenchOptions = {}): Promise<JobBench> {
    const { streamGraph, jobGraph } = await planOf(program, options.config)
    const bench = new JobBench(options.clock ?? new ManualClock(1_000))
    const deployment = deployJob(jobGraph, {
      jobId: 'job',
      ...(options.network && { networkMemory: options.network }),
      ...(options.config && { config: options.config }),
    })
    const nodes = new Map(streamGraph.nodes.map((node) => [node.id, node]))
    const fileSystem = new MemoryFileSystem()
    for (const slot of wireSlots(deployment).deployments) {
      for (const { vertex, subtask } of slot.tasks) bench.#build(slot, vertex, subtask, { streamGraph, nodes, fileSystem })
    }
    // Consumers first: whoever is stepped first must not matter, and this order needs the most rounds.
    bench.tasks.sort((a, b) => b.options.vertex - a.options.vertex || a.options.subtask - b.options.subtask)
    return bench
  }

  #build(
    deployment: SlotDeployment,
    vertex: number,
    subtask: number,
    { streamGraph, nodes, fileSystem }: { streamGraph: any; nodes: Map<number, any>; fileSystem: MemoryFileSystem },
  ): void {
    const task = buildTask(
      {
        deployment,
        vertex: deployment.jobGraph.vertices[vertex]!,
        subtask,
        nodes,
        graph: streamGraph,
        host: {
          clock: this.clock,
          fileSystem,
          control: { send: (message) => void this.messages.push(message), onMessage: () => undefined },
          wakePeer: () => undefined,
          yieldTo: (callback) => callback(),
        },
        wakeSlot: () => undefined,
        wake: () => void this.wakes++,
        onPhase: (changed, phase) => void this.phases.push(`${changed.options.vertex}/${changed.options.subtask} ${phase}`),
        onFailure: (_task, thrown) => void this.failures.push(thrown),
      },
      (ctx, name) => {
        const { operator } = nodes.get(deployment.jobGraph.vertices[vertex]!.operators[0]!.nodeId)
        const readerContext = { ...ctx, sendSplitRequest: () => undefined, sendEventToEnumerator: () => undefined } as SourceReaderContext
        return new SourceInput({
          reader: operator.source.createReader(readerContext),
          strategy: operator.watermarks,
          name,
          clock: this.clock,
          onAvailable: () => void this.wakes++,
          onFailure: (thrown) => task.fail(thrown),
        })
      },
    )
    this.tasks.push(task)
  }

  task(vertex: number, subtask = 0): Task {
    return this.tasks.find(({ options }) => options.vertex === vertex && options.subtask === subtask)!
  }

  async open(): Promise<this> {
    for (const task of this.tasks) for (const node of [...task.options.chain.runtime.nodes].reverse()) await node.operator?.open?.()
    return this
  }

  /** Steps every task once. */
  round(): StepResult[] {
    return this.tasks.map((task) => task.step())
  }

  /** Steps all tasks until none can go on, waiting for promises and moving the clock to whatever they wait for. */
  async settle(rounds = 1_000_000): Promise<this> {
    for (let i = 0; i < rounds; i++) {
      const results = this.round()
      if (this.failures.length > 0 || results.every((result) => result === 'ended')) return this
      if (results.includes('progressed')) continue
      if (results.includes('awaiting')) {
        await new Promise((resolve) => setImmediate(resolve))
        continue
      }
      if (this.round().includes('progressed')) continue
      const at = Math.min(...this.tasks.map((task) => task.wakeAtMs))
      if (at === Number.POSITIVE_INFINITY) return this
      this.clock.advance(Math.max(1, at - this.clock.now()))
    }
    throw new Error(`not settled after ${rounds} rounds: ${this.tasks.map((task) => task.phase).join()}`)
  }

  /** To its end; the first failure is thrown. */
  async run(): Promise<this> {
    await this.open()
    await this.settle()
    const closing = (await Promise.all(this.tasks.map((task) => task.close()))).flat()
    for (const failure of [...this.failures, ...closing]) throw failure
    const stuck = this.tasks.find((task) => task.phase !== 'finished')
    if (stuck !== undefined) throw new Error(`task ${stuck.options.vertex}/${stuck.options.subtask} is ${stuck.phase} and nothing moves`)
    return this
  }

  get lateRecordsDropped(): number {
    return this.tasks.reduce((sum, task) => sum + task.metrics().lateRecordsDropped, 0)
  }
}

export const runJob = async (program: (env: Environment) => void, options: BenchOptions = {}): Promise<JobBench> =>
  (await JobBench.of(program, options)).run()

/** Runs a program once with generated code and once without, and answers the failure of each. */
export async function failuresOf(program: (env: Environment) => void, options: BenchOptions = {}): Promise<any[]> {
  const failures: unknown[] = []
  for (const codegen of [true, false]) {
    try {
      await runJob(program, { ...options, config: { ...options.config, 'execution.codegen': codegen } })
      failures.push(undefined)
    } catch (thrown) {
      failures.push(thrown)
    }
  }
  return failures
}
