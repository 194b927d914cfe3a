/**
 * The outgoing edges of one subtask, from the plan: channels into their rings, routers, and the schema that rows begin with, which
 * is the declared one or what the snapshot says was learned.
 */
import type { Schema, Type } from '../../base/columnar/data-type.ts'
import { makeSchema, schemaOf } from '../../base/columnar/schema.ts'
import { stagingCapacity } from '../../base/columnar/staging-batch.ts'
import { configValue } from '../../base/core/config-options.ts'
import { assert } from '../../base/core/stream-error.ts'
import type { PlanEdge } from '../../program/graph/job-graph.ts'
import { sideOutputTypes } from '../../program/graph/side-output-types.ts'
import type { StreamNode } from '../../program/graph/stream-graph.ts'
import { ChannelWriter } from '../exchange/channel-writer.ts'
import { ResultPartition } from '../exchange/result-partition.ts'
import { Ring } from '../exchange/ring.ts'
import { fieldsVisibleTo } from '../operator/kernel/create-kernel.ts'
import type { TaskBlueprint } from './build-task.ts'
import { createRouter } from './create-router.ts'
import type { OutgoingEdge } from './outgoing-edges.ts'
import { Pace } from './pace.ts'

/** In the order of the plan. `learned`: schemas of an operator's edges, by its index in the vertex, by position among its edges. */
export function buildEdges(blueprint: TaskBlueprint, learned: (operator: number) => readonly (Schema | null)[]): OutgoingEdge[] {
  const { deployment, vertex, subtask } = blueprint
  const positions = new Map<number, number>()
  return deployment.jobGraph.edges
    .filter((edge) => edge.fromVertex === vertex.id)
    .map((edge) => {
      const channels = deployment.channels
        .filter((channel) => channel.edge === edge.id && channel.fromSubtask === subtask)
        .sort((a, b) => a.toSubtask - b.toSubtask)
      const maxRecordBytes = configValue(deployment.config, 'execution.max-record-size')
      const { name } = vertex.operators[edge.fromOperator]!
      const writers = channels.map(
        (channel) =>
          new ChannelWriter(new Ring(channel.ring), {
            onPublish: () => blueprint.wakeSlot(channel.toSlot),
            maxRecordBytes,
            operator: name,
          }),
      )
      const consumer = deployment.jobGraph.vertices[edge.toVertex]!
      const from = blueprint.nodes.get(vertex.operators[edge.fromOperator]!.nodeId)!
      const to = blueprint.nodes.get(consumer.operators[0]!.nodeId)!
      const projection = fieldsVisibleTo(to.operator, to.keys[edge.input])
      const position = positions.get(edge.fromOperator) ?? 0
      positions.set(edge.fromOperator, position + 1)
      const type =
        edge.outputTag === undefined ? declaredType(from) : sideOutputTypes(blueprint.nodes.values(), from.id).get(edge.outputTag)?.[0]
      const declared = declaredSchema(type, projection)
      return {
        partition: new ResultPartition({
          schema: declared ?? learned(edge.fromOperator)[position] ?? null,
          channels: writers,
          router: createRouter(streamPartitioning(edge, to, from.id), writers.length, consumer.maxParallelism, subtask),
          maxOverdraftBytes: configValue(deployment.config, 'execution.max-output-overdraft'),
          operator: name,
          projection,
        }),
        bufferTimeoutMs: edge.bufferTimeoutMs,
        flushAtMs: Number.POSITIVE_INFINITY,
        pace: new Pace(stagingCapacity),
        movingRows: 0,
        movingFromMs: 0,
      }
    })
}

/** The partitioning with its functions, from the graph that this thread planned itself. */
function streamPartitioning(edge: PlanEdge, to: StreamNode, fromNode: number) {
  const found = to.inputs.find(
    (input) =>
      input.from === fromNode &&
      input.input === edge.input &&
      input.outputTag === edge.outputTag &&
      input.partitioning.kind === edge.partitioning.kind,
  )
  assert(found !== undefined, `edge ${edge.id} of the plan is not in the graph`)
  return found.partitioning
}

/** What the user said of a node's rows: at the node, or in its source. */
const declaredType = (node: StreamNode): Type<unknown> | undefined =>
  node.outputType ?? (node.operator.kind === 'source' ? node.operator.source.type : undefined)

function declaredSchema(type: Type<unknown> | undefined, projection: readonly string[] | undefined): Schema | null {
  if (type === undefined) return null
  const schema = schemaOf(type)
  if (projection === undefined || schema.root !== 'row') return schema
  return makeSchema(
    'row',
    schema.fields.filter(({ name }) => projection.includes(name)),
    true,
  )
}
