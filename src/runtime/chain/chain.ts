/**
 * The operators of one task as one thing: runs units of work through them, hands time from operator to operator (each
 * fires before it passes a watermark on), and ends them in order. Nothing here waits: what stops on a full output or a
 * pending write goes on in the next call, and until then the task gives the chain no unit.
 */
import type { ResultPartition } from '../exchange/result-partition.ts'
import type { ChainUnit } from './chain-input.ts'
import { shapeOf } from './chain-input.ts'
import type { ChainNode } from './chain-node.ts'
import { type ChainRuntime, compileChain, compileOutputs, type RunUnit } from './compile-chain.ts'
import { interpretChain } from './interpret-chain.ts'
import { keyKindOf } from './kernel-key.ts'

interface Runner {
  readonly run: RunUnit
  calls: number
}

/** Code made for one answer of the head's isSaving. It is kept while the other is in use: a snapshot costs no compilation but the first. */
interface Form {
  readonly loops: Map<string, Runner>
  readonly fireLoop: ((kernel: any) => boolean) | undefined
}

const youngCalls = 400
const youngRows = 64

export class Chain {
  readonly runtime: ChainRuntime
  readonly #generated: boolean
  readonly #forms = new Map<boolean, Form>()
  #compiled = new Map<string, Runner>()
  readonly #interpreted: RunUnit
  /** Per node and then per partition: the watermark it has still to be told; NaN = none. */
  readonly #time: Float64Array
  /** Idleness that each partition has still to be told. */
  readonly #idle: (boolean | undefined)[]
  /** What the generated code in use was made for. */
  #generation: string | undefined
  #isSaving = false
  /** The unit whose row was the last to run: what waits or pends comes of that row. undefined: of time, or of the end. */
  #ranLast: ChainUnit | undefined

  constructor(runtime: ChainRuntime, generated: boolean) {
    this.runtime = runtime
    this.#generated = generated
    this.#time = new Float64Array(runtime.nodes.length + runtime.partitions.length).fill(Number.NaN)
    this.#idle = runtime.partitions.map(() => undefined)
    this.#interpreted = interpretChain(runtime)
    for (const node of runtime.nodes) {
      node.output.emitWatermark = (watermark) => {
        this.#passOn(node, watermark)
        runtime.interrupted = true
      }
      node.output.emitIdle = (idle) => this.#passIdle(node, idle)
      for (const { partitions } of node.outputs)
        for (const partition of partitions) partition.failureOfWaiting = (thrown) => this.#failureBehind(thrown, node)
    }
  }

  /** Runs a unit from its cursor as far as outputs go. */
  run(unit: ChainUnit): void {
    if (!this.#generated) {
      this.#ranLast = unit
      unit.cursor = this.#interpreted(unit, unit.rowCount)
      return
    }
    const runner = this.#runnerFor(unit)
    this.#ranLast = unit
    // A loop compiled while it runs leaves at an exit it has never seen, again and again: young loops are kept short.
    const limit = runner.calls++ < youngCalls ? Math.min(unit.rowCount, unit.cursor + youngRows) : unit.rowCount
    // Called so, V8 cannot inline the loop into the pump, where the user's functions would fall out of its inlining budget.
    unit.cursor = Reflect.apply(runner.run, undefined, [unit, limit])
  }

  /** How many loops stand ready: one for each shape of input since code was last renewed. */
  get compiledLoops(): number {
    return this.#compiled.size
  }

  #runnerFor(unit: ChainUnit): Runner {
    const kernel = this.runtime.nodes[0]!.kernel
    const key = this.runtime.headKeys[unit.input]
    if (kernel !== undefined && key !== undefined && unit.form === 'batch') {
      kernel.requireKeyKind(keyKindOf(key, unit.batch))
      kernel.requireRows?.(unit.batch)
    }
    this.renew()
    const shape = shapeOf(unit, key?.kind === 'field' ? key.field : undefined)
    let runner = this.#compiled.get(shape)
    if (runner === undefined) {
      runner = { run: compileChain(this.runtime, unit, `${shape} ${this.#generation}${this.#isSaving ? ' saving' : ''}`), calls: 0 }
      this.#compiled.set(shape, runner)
    }
    return runner
  }

  /**
   * Ahead of any call that may emit or change state. Code made for other staging columns, or for other tables, would write into the
   * wrong ones: it is made anew. Code that saves nothing for a snapshot is never in use while one is open.
   */
  renew(): void {
    this.#ranLast = undefined
    if (!this.#generated) return
    const { nodes, partitions } = this.runtime
    const kernel = nodes[0]!.kernel
    const isSaving = kernel?.isSaving === true
    let generation = kernel === undefined ? '' : `${kernel.keys.kind}${kernel.layout ?? ''}`
    for (const partition of partitions) generation += `,${partition.version}`
    if (generation === this.#generation && isSaving === this.#isSaving) return
    if (generation !== this.#generation) this.#forms.clear()
    this.#generation = generation
    this.#isSaving = isSaving
    let form = this.#forms.get(isSaving)
    if (form === undefined) {
      compileOutputs(this.runtime, `${generation}${isSaving ? ' saving' : ''}`)
      form = { loops: new Map(), fireLoop: kernel?.fireLoop }
      this.#forms.set(isSaving, form)
    } else if (form.fireLoop !== undefined) kernel!.fireLoop = form.fireLoop
    this.#compiled = form.loops
  }

  /** Tells the head that event time has come so far. */
  offerWatermark(watermark: number): void {
    this.#time[0] = watermark
  }

  /** The head's input has gone idle or is active again. */
  offerIdle(idle: boolean): void {
    if (this.runtime.nodes[0]!.operator?.ownsTime !== true) this.#passIdle(this.runtime.nodes[0]!, idle)
  }

  /** True while a watermark is on its way through the chain. */
  get isAdvancing(): boolean {
    for (const time of this.#time) if (time === time) return true
    return this.#idle.some((idle) => idle !== undefined)
  }

  /** Moves watermarks on; false: an output is full or a write pending, call again. */
  advance(): boolean {
    this.renew()
    const { nodes, partitions } = this.runtime
    for (let n = 0; n < nodes.length; n++) {
      const watermark = this.#time[n]!
      if (watermark !== watermark) continue
      const { operator } = nodes[n]!
      if (operator !== undefined && !operator.advanceWatermark(watermark)) return false
      this.#time[n] = Number.NaN
      if (operator?.ownsTime !== true) this.#passOn(nodes[n]!, watermark)
    }
    for (let p = 0; p < partitions.length; p++) if (!this.#tellPartition(partitions[p]!, p)) return false
    return true
  }

  #tellPartition(partition: ResultPartition, p: number): boolean {
    const at = this.runtime.nodes.length + p
    const watermark = this.#time[at]!
    const idle = this.#idle[p]
    if (watermark !== watermark && idle === undefined) return true
    if (!partition.scatter()) return false
    if (idle === false) partition.broadcastEvent({ kind: 'active' })
    if (watermark === watermark) partition.broadcastEvent({ kind: 'watermark', timestamp: watermark })
    if (idle === true) partition.broadcastEvent({ kind: 'idle' })
    this.#time[at] = Number.NaN
    this.#idle[p] = undefined
    return true
  }

  #passOn(node: ChainNode, watermark: number): void {
    const { nodes, partitions } = this.runtime
    for (const output of node.outputs) {
      for (const child of output.children) this.#time[child.index] = watermark
      for (const partition of output.partitions) this.#time[nodes.length + partitions.indexOf(partition)] = watermark
    }
  }

  #passIdle(node: ChainNode, idle: boolean): void {
    for (const output of node.outputs) {
      for (const child of output.children) if (child.operator?.ownsTime !== true) this.#passIdle(child, idle)
      for (const partition of output.partitions) this.#idle[this.runtime.partitions.indexOf(partition)] = idle
    }
  }

  /** Fires processing-time timers that are due; false: call again. */
  fireProcessingTimers(nowMs: number): boolean {
    this.renew()
    for (const node of this.runtime.nodes) if (node.operator?.fireProcessingTimers?.(nowMs) === false) return false
    return true
  }

  /** A write that some sink of the chain has not ended, if any. */
  get pending(): Promise<void> | undefined {
    return this.#pendingNode?.operator?.pending
  }

  get #pendingNode(): ChainNode | undefined {
    for (const node of this.runtime.nodes) if (node.operator?.pending !== undefined) return node
    return undefined
  }

  /** Ends with the write that is pending; no unit may be run meanwhile. */
  async written(): Promise<void> {
    const node = this.#pendingNode
    try {
      await node?.operator?.pending
    } catch (thrown) {
      throw this.#failureBehind(thrown, node!)
    }
  }

  /** As the loop's own failures, behind it: with the record that was the last to run, if one was. */
  #failureBehind(thrown: unknown, { index }: ChainNode): unknown {
    const unit = this.#ranLast
    try {
      this.runtime.fail(thrown, index, unit, unit === undefined ? 0 : unit.cursor - 1)
    } catch (failure) {
      return failure
    }
  }

  /** Makes every output able to take rows; false while some channel has no credit. */
  makeRoom(): boolean {
    let done = true
    for (const partition of this.runtime.partitions) if (partition.isFull && !partition.makeRoom()) done = false
    return done
  }
}
