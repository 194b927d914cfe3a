/**
 * Collects what a program says, transformation by transformation, and makes of it one StreamGraph per execute(). What
 * depends on settings that may still change (parallelism, slot sharing group, partitioning nobody asked for) is decided
 * in `build`. Node ids count over the whole program; a graph holds the nodes made since the last one and all they read.
 */
import type { Type } from '../../base/columnar/data-type.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { KeySpec, OperatorDescriptor, Partitioning } from './operator-descriptor.ts'
import type { ChainingStrategy, StreamEdge, StreamGraph, StreamNode } from './stream-graph.ts'
import { validateStreamGraph } from './validate-stream-graph.ts'

export const defaultSlotSharingGroup = 'default'

/** What a user may set on an operator, at once or later. */
export interface OperatorSettings {
  name: string
  uid?: string
  description?: string
  parallelism?: number
  maxParallelism?: number
  slotSharingGroup?: string
  chaining?: ChainingStrategy
  bufferTimeoutMs?: number
  outputType?: Type<unknown>
}

/** Without partitioning: forward between equal parallelism, else rebalance. */
export interface DraftEdge {
  readonly from: number
  readonly input: 0 | 1
  readonly partitioning?: Partitioning
  readonly outputTag?: string
  readonly outputType?: Type<unknown>
}

export interface NewNode {
  readonly operator: OperatorDescriptor
  readonly inputs: readonly DraftEdge[]
  readonly keys: readonly (KeySpec | undefined)[]
  readonly settings: OperatorSettings
  /** The environment's when the operator was made. */
  readonly defaultParallelism: number
  /** Set for what cannot run in parallel without limit, with the reason in words. */
  readonly parallelismLimit?: { readonly max: number; readonly reason: string }
}

export interface DraftNode extends NewNode {
  readonly id: number
}

export interface BuildOptions {
  readonly jobName: string
  readonly config: Readonly<Record<string, unknown>>
  readonly maxParallelism?: number
  readonly bufferTimeoutMs?: number
}

export class StreamGraphBuilder {
  readonly #drafts: DraftNode[] = []
  readonly #warnings: string[] = []
  #built = 0

  add(node: NewNode): DraftNode {
    const draft = { ...node, id: this.#drafts.length + 1 }
    this.#drafts.push(draft)
    return draft
  }

  warn(message: string): void {
    this.#warnings.push(message)
  }

  /** Whether there is an operator, other than a source, that no graph holds yet. */
  get hasPending(): boolean {
    return this.#pending().length > 0
  }

  build(options: BuildOptions): StreamGraph {
    const roots = this.#pending()
    if (roots.length === 0) {
      throw new StreamError('INVALID_PROGRAM', `Job '${options.jobName}' has no operators: there is nothing to execute`, {
        hint: 'Read a source and give its stream to a sink, as in env.fromSequence(1, 10).print(), before execute().',
        place: { job: options.jobName },
      })
    }
    const drafts = this.#withAncestors(roots)
    const warnings = [...this.#warnings.splice(0), ...this.#unreadSources(drafts)]
    this.#built = this.#drafts.length
    const nodes = resolve(drafts, options)
    const graph: StreamGraph = { jobName: options.jobName, nodes, config: options.config, ...(warnings.length > 0 && { warnings }) }
    validateStreamGraph(graph)
    return graph
  }

  #pending(): DraftNode[] {
    return this.#drafts.slice(this.#built).filter((draft) => draft.operator.kind !== 'source')
  }

  #withAncestors(roots: readonly DraftNode[]): DraftNode[] {
    const wanted = new Set<number>()
    const visit = (draft: DraftNode): void => {
      if (wanted.has(draft.id)) return
      wanted.add(draft.id)
      for (const edge of draft.inputs) visit(this.#drafts[edge.from - 1]!)
    }
    roots.forEach(visit)
    return this.#drafts.filter((draft) => wanted.has(draft.id))
  }

  #unreadSources(used: readonly DraftNode[]): string[] {
    return this.#drafts
      .slice(this.#built)
      .filter((draft) => draft.operator.kind === 'source' && !used.includes(draft))
      .map((draft) => `Source '${draft.settings.name}' is read by no operator and is left out.`)
  }
}

function resolve(drafts: readonly DraftNode[], options: BuildOptions): StreamNode[] {
  const nodes = new Map<number, StreamNode>()
  for (const draft of drafts) {
    const { settings } = draft
    const parallelism = parallelismOf(draft)
    nodes.set(draft.id, {
      id: draft.id,
      operator: draft.operator,
      name: settings.name,
      uid: settings.uid,
      description: settings.description,
      parallelism,
      maxParallelism: settings.maxParallelism ?? options.maxParallelism,
      slotSharingGroup: settings.slotSharingGroup ?? inheritedGroup(draft, nodes),
      chaining: settings.chaining ?? 'always',
      bufferTimeoutMs: settings.bufferTimeoutMs ?? options.bufferTimeoutMs,
      inputs: draft.inputs.map((edge) => resolveEdge(edge, parallelism, nodes)),
      keys: draft.keys,
      outputType: settings.outputType,
    })
  }
  return [...nodes.values()]
}

function resolveEdge(edge: DraftEdge, parallelism: number, nodes: ReadonlyMap<number, StreamNode>): StreamEdge {
  const equal = nodes.get(edge.from)!.parallelism === parallelism
  const partitioning = edge.partitioning ?? { kind: equal ? 'forward' : 'rebalance' }
  return {
    from: edge.from,
    input: edge.input,
    partitioning,
    ...(edge.outputTag !== undefined && { outputTag: edge.outputTag }),
    ...(edge.outputType !== undefined && { outputType: edge.outputType }),
  }
}

function parallelismOf({ settings, defaultParallelism, parallelismLimit: limit }: DraftNode): number {
  if (limit === undefined) return settings.parallelism ?? defaultParallelism
  if (settings.parallelism !== undefined && settings.parallelism > limit.max) {
    throw new StreamError('INVALID_PROGRAM', `Operator '${settings.name}' has parallelism ${settings.parallelism}: ${limit.reason}`, {
      hint: `Leave its parallelism out, or set it to ${limit.max === 1 ? '1' : `at most ${limit.max}`}.`,
      place: { operator: settings.name },
    })
  }
  return settings.parallelism ?? Math.min(defaultParallelism, limit.max)
}

/** The group that all inputs share, else the default one. */
function inheritedGroup(draft: DraftNode, nodes: ReadonlyMap<number, StreamNode>): string {
  const groups = new Set(draft.inputs.map((edge) => nodes.get(edge.from)!.slotSharingGroup))
  const [only] = groups
  return groups.size === 1 ? only! : defaultSlotSharingGroup
}
