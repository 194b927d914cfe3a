/**
 * From the plan of one subtask to a Task that can run: operators and kernels with their contexts, outgoing partitions, the
 * chain, and the input. Nothing is opened yet.
 */

import type { Schema } from '../../base/columnar/data-type.ts'
import { configValue } from '../../base/core/config-options.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { JobVertex } from '../../program/graph/job-graph.ts'
import type { StreamGraph, StreamNode } from '../../program/graph/stream-graph.ts'
import { Chain } from '../chain/chain.ts'
import type { ChainUnit } from '../chain/chain-input.ts'
import { type ChainNode, ChainOutput, type NodeOutput, reachablePartitions } from '../chain/chain-node.ts'
import { keyFunctionOf } from '../chain/encode-text.ts'
import { FreezingOutput, freezeRow } from '../chain/freeze-rows.ts'
import { restoredSchemas } from '../checkpoint/restored-state.ts'
import { SnapshotWriter } from '../checkpoint/snapshot-writer.ts'
import { ChannelReader } from '../exchange/channel-reader.ts'
import { Ring } from '../exchange/ring.ts'
import { createOperator } from '../operator/create-operator.ts'
import { createKernel } from '../operator/kernel/create-kernel.ts'
import type { OperatorContext } from '../operator/operator.ts'
import { userFailure } from '../operator/user-function.ts'
import { keysOf } from '../state/key-types.ts'
import { buildEdges } from './build-edges.ts'
import type { ChannelDeployment, SlotDeployment } from './deployment.ts'
import { DiscardOperator } from './discard-operator.ts'
import { FirstKeys } from './first-keys.ts'
import { InputGate } from './input-gate.ts'
import { wasFinished } from './open-task.ts'
import { type OutgoingEdge, OutgoingEdges } from './outgoing-edges.ts'
import type { SlotHost } from './slot.ts'
import { Task } from './task.ts'
import { TaskCheckpoints } from './task-checkpoints.ts'
import type { TaskInput } from './task-input.ts'
import type { TaskPhase } from './task-options.ts'

export interface TaskBlueprint {
  readonly deployment: SlotDeployment
  readonly vertex: JobVertex
  readonly subtask: number
  readonly nodes: ReadonlyMap<number, StreamNode>
  readonly graph: StreamGraph
  readonly host: SlotHost
  /** Wakes the slot that a channel's other end is in, if it sleeps. */
  readonly wakeSlot: (slot: number) => void
  readonly wake: () => void
  readonly onPhase: (task: Task, phase: TaskPhase) => void
  readonly onFailure: (task: Task, thrown: unknown) => void
}

/** `createInput` makes the input of a source vertex, once the contexts are there. */
export function buildTask(blueprint: TaskBlueprint, createInput: (ctx: OperatorContext, name: string) => TaskInput): Task {
  const { deployment, vertex, host } = blueprint
  const { config } = deployment
  let task: Task | undefined
  const counters: Record<string, number> = {}
  const late: { value: number }[] = []
  const edges = buildEdges(blueprint, (operator) => learnedSchemas(blueprint, operator))
  const outgoing = new OutgoingEdges(edges)
  const contexts = vertex.operators.map((operator): OperatorContext => {
    const numLateRecordsDropped = { value: 0 }
    late.push(numLateRecordsDropped)
    return {
      jobId: deployment.jobId,
      jobName: deployment.jobGraph.jobName,
      operatorName: operator.name,
      operatorUid: operator.uid,
      operatorId: operator.operatorId,
      subtaskIndex: blueprint.subtask,
      parallelism: vertex.parallelism,
      maxParallelism: vertex.maxParallelism,
      attemptNumber: deployment.attempt,
      checkpointing: deployment.checkpointing !== undefined,
      restoredCheckpointId: deployment.restore?.checkpointId,
      clock: host.clock,
      fileSystem: host.fileSystem,
      output: configValue(config, 'execution.check-mutation') === true ? new FreezingOutput() : new ChainOutput(),
      numLateRecordsDropped,
      addToCounter: (name, delta) => {
        counters[name] = (counters[name] ?? 0) + delta
      },
      printLine: (stream, line) => host.control.send({ say: 'print', stream, line }),
      sendToClient: (channel, rows) => host.control.send({ say: 'collect', channel, rows }),
      requestProcessingTimer: (atMs) => task?.requestTimer(atMs),
    }
  })
  const nodes = chainNodes(blueprint, contexts, edges)
  const head = nodes[0]!
  const partitions = edges.map(({ partition }) => partition)
  const chain = new Chain(
    {
      chainId: `${vertex.name} #${blueprint.subtask}`,
      nodes,
      partitions,
      headKeys: blueprint.nodes.get(vertex.operators[0]!.nodeId)!.keys,
      interrupted: false,
      fail: (thrown, node, unit, row) => {
        throw failureOf(nodes, node, thrown, unit, row)
      },
    },
    configValue(config, 'execution.codegen'),
  )
  const name = `${head.descriptor.kind} '${head.name}'`
  const input = head.descriptor.kind === 'source' ? createInput(head.ctx, name) : inputGate(blueprint)
  task = new Task({
    vertex: vertex.id,
    subtask: blueprint.subtask,
    input,
    chain,
    edges: outgoing,
    checkpoints: taskCheckpoints(blueprint, nodes, edges, { input, edges: outgoing, onFailure: (thrown) => task?.fail(thrown) }),
    waitsAtEnd: deployment.checkpointing !== undefined,
    isRestoredFinished: deployment.restore !== undefined && wasFinished(deployment.restore, vertex),
    clock: host.clock,
    wake: blueprint.wake,
    onPhase: (phase) => blueprint.onPhase(task!, phase),
    onFailure: (thrown) => blueprint.onFailure(task!, thrown),
    watermarkIntervalMs: configValue(config, 'pipeline.auto-watermark-interval'),
    counters,
    late,
    nodeIds: vertex.operators.map((operator) => operator.nodeId),
    ...firstKeys(blueprint),
  })
  return task
}

function taskCheckpoints(
  { deployment, vertex, subtask, host, wake }: TaskBlueprint,
  nodes: readonly ChainNode[],
  edges: readonly OutgoingEdge[],
  parts: { readonly input: TaskInput; readonly edges: OutgoingEdges; readonly onFailure: (thrown: unknown) => void },
): TaskCheckpoints {
  const fromOperator = deployment.jobGraph.edges.filter((edge) => edge.fromVertex === vertex.id).map((edge) => edge.fromOperator)
  return new TaskCheckpoints({
    ...parts,
    vertex: vertex.id,
    subtask,
    operators: nodes.map(({ operator }, index) => ({
      operatorId: vertex.operators[index]!.operatorId,
      operator,
      partitions: edges.filter((_, e) => fromOperator[e] === index).map(({ partition }) => partition),
    })),
    clock: host.clock,
    openWriter: ({ directory }) => {
      const { fileSystem, yieldTo, clock } = host
      return new SnapshotWriter({ fileSystem, directory, subtask, yieldTo, clock })
    },
    say: (message) => host.control.send(message),
    wake,
  })
}

/** What a user function threw, with the operator's name and the record's position. */
function failureOf(nodes: readonly ChainNode[], at: number, thrown: unknown, unit: ChainUnit | undefined, row: number): StreamError {
  const node = nodes.find(({ index }) => index === at || keyFunctionOf(index) === at)!
  const error = placedOf(node, at, thrown, unit)
  if (unit === undefined || error.place.record !== undefined) return error
  const { code, message, hint, domain, retry, cause, stack } = error
  const placed = new StreamError(code, message, {
    hint,
    domain,
    retry,
    cause,
    place: {
      ...error.place,
      record: `record ${row + 1} of a batch ${nodes[0]!.descriptor.kind === 'source' ? 'that begins at' : 'from'} ${unit.position}`,
    },
  })
  if (stack !== undefined) placed.stack = stack
  return placed
}

function placedOf(node: ChainNode, at: number, thrown: unknown, unit: ChainUnit | undefined): StreamError {
  // Where it happened, an operator further down the chain, is known better than here.
  if (thrown instanceof StreamError && thrown.place.operator !== undefined && thrown.place.subtask !== undefined) return thrown
  return userFailure(node.ctx, at === node.index ? calledIn(node, unit) : 'The key function for the output', thrown)
}

/** Which function of the user's it is that a generated loop calls for a node. */
function calledIn({ descriptor }: ChainNode, unit: ChainUnit | undefined): string {
  switch (descriptor.kind) {
    case 'source':
      if (unit?.form !== 'range') return 'timestamp assigner'
      return typeof descriptor.watermarks?.timestamp === 'function'
        ? 'The generating function or timestamp assigner'
        : 'The generating function'
    case 'window':
      return 'A window function'
    case 'process':
      return 'processElement'
    default:
      return descriptor.kind
  }
}

function chainNodes(blueprint: TaskBlueprint, contexts: readonly OperatorContext[], edges: readonly OutgoingEdge[]): ChainNode[] {
  const { vertex, deployment } = blueprint
  const plan = deployment.jobGraph.edges.filter((edge) => edge.fromVertex === vertex.id)
  const generated = configValue(deployment.config, 'execution.codegen')
  const nodes: ChainNode[] = new Array(vertex.operators.length)
  for (let index = vertex.operators.length - 1; index >= 0; index--) {
    const operator = vertex.operators[index]!
    const ctx = contexts[index]!
    const { operator: descriptor, keys } = blueprint.nodes.get(operator.nodeId)!
    const kernel = generated && index === 0 ? kernelOf(descriptor, keys, ctx) : undefined
    const settings = { autoWatermarkIntervalMs: configValue(deployment.config, 'pipeline.auto-watermark-interval') }
    const plain =
      descriptor.kind === 'source'
        ? undefined
        : descriptor.kind === 'sink' && descriptor.sink.discards === true
          ? new DiscardOperator()
          : (kernel ?? createOperator(descriptor, ctx, keys, settings))
    const outputs: NodeOutput[] = []
    const tags = new Set<string | undefined>()
    for (const child of vertex.operators) if (child.chainedTo === index) tags.add(child.outputTag)
    for (const edge of plan) if (edge.fromOperator === index) tags.add(edge.outputTag)
    for (const tag of tags) {
      outputs.push({
        tag,
        rows: 0,
        children: nodes.filter((_, child) => vertex.operators[child]!.chainedTo === index && vertex.operators[child]!.outputTag === tag),
        partitions: plan.flatMap((edge, e) => (edge.fromOperator === index && edge.outputTag === tag ? [edges[e]!.partition] : [])),
      })
    }
    const output = ctx.output as ChainOutput
    const fn =
      descriptor.kind === 'map' || descriptor.kind === 'filter'
        ? functionOf(descriptor.fn, descriptor.kind, output instanceof FreezingOutput)
        : undefined
    const node: ChainNode = { index, name: operator.name, descriptor, operator: plain, kernel, fn, ctx, output, outputs }
    nodes[index] = node
    output.partitions = reachablePartitions(node)
    output.waiters = sinksBehind(node)
  }
  return nodes
}

/** Whether there is a kernel can depend on the user's first accumulator. */
function kernelOf(...args: Parameters<typeof createKernel>): ReturnType<typeof createKernel> {
  try {
    return createKernel(...args)
  } catch (thrown) {
    throw userFailure(args[2], 'A window function', thrown)
  }
}

const sinksBehind = (node: ChainNode): NonNullable<ChainNode['operator']>[] =>
  node.outputs.flatMap(({ children }) =>
    children.flatMap((child) => [...(child.descriptor.kind === 'sink' ? [child.operator!] : []), ...sinksBehind(child)]),
  )

function functionOf(fn: unknown, method: 'map' | 'filter', freezes: boolean): (row: any) => any {
  if (freezes && method === 'map') {
    const map = functionOf(fn, method, false)
    return (row) => freezeRow(map(row))
  }
  if (typeof fn === 'function') return fn as (row: any) => any
  const object = fn as Record<string, (row: any) => any>
  return (row) => object[method]!(row)
}

function inputGate(blueprint: TaskBlueprint): InputGate {
  const { deployment, vertex, subtask } = blueprint
  const { edges, vertices } = deployment.jobGraph
  const incoming = edges.filter((edge) => edge.toVertex === vertex.id)
  const channels = incoming.flatMap((edge) => {
    const ends = deployment.channels.filter((channel: ChannelDeployment) => channel.edge === edge.id && channel.toSubtask === subtask)
    return ends.map((channel) => ({
      reader: new ChannelReader(new Ring(channel.ring), () => blueprint.wakeSlot(channel.fromSlot)),
      input: edge.input,
      from: `subtask ${channel.fromSubtask} of '${vertices[edge.fromVertex]!.operators[edge.fromOperator]!.name}'`,
    }))
  })
  return new InputGate(channels, {
    mode: deployment.checkpointing?.mode ?? 'EXACTLY_ONCE',
    elapsed: () => blueprint.host.clock.elapsed(),
  })
}

/** What the snapshot that the job goes on from says of the rows of an operator's edges. */
function learnedSchemas({ deployment, vertex }: TaskBlueprint, operator: number): readonly (Schema | null)[] {
  if (deployment.restore === undefined) return []
  return restoredSchemas(deployment.restore, vertex.operators[operator]!.operatorId) ?? []
}

/** Of a run's own checkpoint the program is the one that wrote it. */
function firstKeys({ deployment, vertex, nodes }: TaskBlueprint): { readonly firstKeys?: FirstKeys } {
  const { restore, jobId } = deployment
  const [head] = vertex.operators
  const specs = nodes.get(head!.nodeId)!.keys
  if (restore === undefined || restore.jobId === jobId || specs.every((spec) => spec === undefined)) return {}
  const written = restore.operators.find(({ operatorId }) => operatorId === head!.operatorId)
  const found = written && keysOf(written.subtasks.flatMap(({ states }) => states))
  return found === undefined ? {} : { firstKeys: new FirstKeys(head!.name, found, specs) }
}
