/**
 * One generated function per chain and shape of input: the loop over a unit of work with every simple operator written
 * into it. User functions are called as arguments of the factory; the source text is unique (chain and shape are in a
 * comment), so that V8 keeps type feedback of its own for it, and it has a sourceURL.
 *
 * `at` holds the operator at work, for messages when a user function throws.
 */
import { rowReader } from '../../base/columnar/column-batch.ts'
import { hashKey } from '../../base/columnar/key-hash.ts'
import { stagingCapacity } from '../../base/columnar/staging-batch.ts'
import { isRecord } from '../../base/columnar/value-type.ts'
import type { RuntimeContext } from '../../program/function/runtime-context.ts'
import type { WatermarkStrategy } from '../../program/function/watermark.ts'
import type { KeySpec } from '../../program/graph/operator-descriptor.ts'
import type { ResultPartition } from '../exchange/result-partition.ts'
import type { EmitText, KernelText } from '../operator/kernel/keyed-kernel.ts'
import { quote } from '../operator/kernel/quote.ts'
import { isPromise, refusePromise } from '../operator/user-function.ts'
import { type ChainUnit, loopColumns } from './chain-input.ts'
import { type ChainNode, emitsOneForEach, mainOutput, type NodeOutput } from './chain-node.ts'
import { encodeDeclarations, encodeText, isPlainEncode, keyText } from './encode-text.ts'
import { kernelKey } from './kernel-key.ts'
import { columnDeclarations, columnRow, objectRow, type RowText } from './row-text.ts'

/** Runs a unit from its cursor up to row `end` or until an output is full; answers the next cursor. */
export type RunUnit = (unit: ChainUnit, end: number) => number

export interface ChainRuntime {
  /** Names the chain in the source text and in stacks. */
  readonly chainId: string
  readonly nodes: readonly ChainNode[]
  readonly partitions: readonly ResultPartition[]
  /** Key of each input of the head, if it is keyed. */
  readonly headKeys: readonly (KeySpec | undefined)[]
  /** Set by operators that need the loop to stop after this row (time of their own, a pending write). */
  interrupted: boolean
  /**
   * Turns what operator `node` threw, or a key function for its output (keyFunctionOf), into an error that names it, and row
   * `row` of the unit where one is known.
   */
  fail(thrown: unknown, node: number, unit: ChainUnit | undefined, row: number): never
}

/** The loop over a unit of this shape. */
export function compileChain(rt: ChainRuntime, unit: ChainUnit, shape: string): RunUnit {
  return evaluate(rt, `loop ${shape}`, new ChainText(rt).loop(asLoopTakesIt(rt, unit))) as RunUnit
}

function asLoopTakesIt(rt: ChainRuntime, unit: ChainUnit): ChainUnit {
  if (unit.form !== 'batch') return unit
  const key = rt.headKeys[unit.input]
  return { ...unit, batch: { ...unit.batch, columns: loopColumns(unit.batch, key?.kind === 'field' ? key.field : undefined) } }
}

/**
 * The emission of operators that emit by call, and the firing loops of kernels. Stays right while no partition's version
 * and no kernel's key kind changes.
 */
export function compileOutputs(rt: ChainRuntime, what: string): void {
  evaluate(rt, `outputs ${what}`, new ChainText(rt).outputs())
}

function evaluate(rt: ChainRuntime, what: string, text: string): unknown {
  const name = `${rt.chainId.replace(/[^\w.-]/g, '_')}-${compiled++}`
  const source = `/* headrace chain ${quote.comment(rt.chainId)}: ${quote.comment(what)} */\n${text}\n//# sourceURL=headrace-chain-${name}.js`
  return new Function('rt', 'hashKey', 'refusePromise', 'keyCount', 'truthOf', 'rowReader', 'isRecord', source)(
    rt,
    hashKey,
    refusePromise,
    keyCount,
    truthOf,
    rowReader,
    isRecord,
  )
}

let compiled = 0

class ChainText {
  readonly #rt: ChainRuntime
  readonly #declarations: string
  readonly #isFull: string
  #names = 0
  /** What stands ahead of the loop, once each. */
  readonly #hoisted = new Set<string>()

  constructor(rt: ChainRuntime) {
    this.#rt = rt
    this.#declarations = [
      ...rt.nodes.map((node) => `const O${node.index} = rt.nodes[${node.index}].operator, F${node.index} = rt.nodes[${node.index}].fn`),
      ...rt.nodes.flatMap((node) => node.outputs.map((_, o) => `const U${node.index}_${o} = rt.nodes[${node.index}].outputs[${o}]`)),
      ...rt.partitions.map((partition, p) => encodeDeclarations(partition, p)),
      ...rt.nodes.flatMap((node) => {
        const bindings = Object.keys(node.kernel?.bindings ?? {})
        return bindings.length === 0 ? [] : [`const { ${bindings.join(', ')} } = O${node.index}.bindings`]
      }),
    ].join('\n')
    this.#isFull = ['rt.interrupted', ...rt.partitions.map((_, p) => `S${p}.rowCount === ${stagingCapacity} || P${p}.isStopped`)].join(
      ' || ',
    )
  }

  loop(unit: ChainUnit): string {
    const head = this.#rt.nodes[0]!
    const { before, common, body, after } =
      head.descriptor.kind === 'source' ? this.#sourceBody(head, unit) : this.#operatorBody(head, unit)
    const columns = unit.form === 'batch' ? columnDeclarations(unit.batch.columns, 'batch') : ''
    const times =
      unit.form === 'batch' && unit.batch.timestamps !== null ? 'const td = batch.timestamps.data, to = batch.timestamps.offset' : ''
    const form = {
      rows: 'const rows = unit.rows, times = unit.timestamps',
      range: 'const gen = unit.generate, from = unit.from, step = unit.step',
      batch: 'const batch = unit.batch, readRow = rowReader(batch)',
    }[unit.form]
    return `'use strict'
${this.#declarations}
return function run(unit, end) {
${form}
${columns}
${times}
const W = unit.watermarks
let i = unit.cursor, at = ${head.index}
${[...this.#hoisted].join('\n')}
${before}
try {
  for (; i < end; i++) {
    if (${this.#isFull}) break
    at = ${head.index}
    ${common}
    ${body}
  }
} catch (thrown) { rt.fail(thrown, at, unit, i) }
${after}
return i
}`
  }

  outputs(): string {
    const functions = this.#rt.nodes
      .filter((node) => node.operator !== undefined && node.fn === undefined)
      .flatMap((node) => [...this.#emitters(node), this.#fireLoop(node)])
    return `'use strict'\n${this.#declarations}\n${functions.join('\n')}`
  }

  #emitters(node: ChainNode): string[] {
    return node.outputs.map((output) => {
      const body = this.#produce(node, output, objectRow('r'), 'ts', true)
      const emit = `function (r, ts) {\nlet at = ${node.index}\n${body.includes('at = ') ? `try {\n${body}\n} catch (thrown) { rt.fail(thrown, at, undefined, 0) }` : body}\n}`
      return output.tag === undefined
        ? `rt.nodes[${node.index}].output.target = ${emit}`
        : `rt.nodes[${node.index}].output.sideTargets.set(${quote.text(output.tag)}, ${emit})`
    })
  }

  #fireLoop(node: ChainNode): string {
    if (node.kernel?.fireText === undefined) return ''
    const names = { kernel: 'K', id: `${node.index}f`, saving: node.kernel.isSaving, stop: '' }
    const emit = this.#emitText(node)
    return `O${node.index}.fireLoop = function fire(K) {\nlet at = ${node.index}\ntry {\n${node.kernel.fireText(names, emit, this.#isFull)}\n} catch (thrown) { rt.fail(thrown, at, undefined, 0) }\n}`
  }

  #emitText(node: ChainNode): EmitText {
    return (row, timestamp, names) =>
      this.#produce(node, mainOutput(node), names === undefined ? objectRow(row) : { ...objectRow(row), names }, timestamp, false)
  }

  /** The head's row, as an object where some consumer needs one: declares it. */
  #headRow(unit: ChainUnit, needsObject: boolean): { readonly row: RowText; readonly declare: string } {
    if (unit.form !== 'batch')
      return { row: objectRow('r0'), declare: unit.form === 'rows' ? 'const r0 = rows[i]' : 'const r0 = gen(from + i * step)' }
    const row = columnRow(unit.batch.schema, unit.batch.columns)
    if (!needsObject) return { row, declare: '' }
    return { row: { ...row, row: 'r0' }, declare: `const r0 = ${row.row}` }
  }

  #inputTimestamp(unit: ChainUnit): string {
    if (unit.form === 'batch') return unit.batch.timestamps === null ? 'NaN' : 'td[to + i]'
    return unit.form === 'rows' && unit.timestamps !== undefined ? 'times[i]' : 'NaN'
  }

  #sourceBody(head: ChainNode, unit: ChainUnit): Body {
    const output = mainOutput(head)
    const strategy = head.descriptor.kind === 'source' ? head.descriptor.watermarks : undefined
    const custom = strategy?.generator.kind === 'custom'
    const { row, declare } = this.#headRow(unit, custom || typeof strategy?.timestamp === 'function' || needsObject(output))
    const emit = this.#produce(head, output, row, 'ts0', false)
    return {
      common: '',
      before:
        strategy === undefined
          ? ''
          : `let mt = -Infinity; const start = i${typeof strategy.timestamp === 'function' ? ', assign = rt.nodes[0].descriptor.watermarks.timestamp' : ''}`,
      body: `${declare}\n${this.#timestampText(strategy, row, this.#inputTimestamp(unit))}\n${emit}\n${custom ? `if (W.onEvent(${row.row}, ts0)) rt.interrupted = true` : ''}`,
      after: strategy === undefined || custom ? '' : 'if (i > start) W.onBatch(mt)',
    }
  }

  #timestampText(strategy: WatermarkStrategy<any> | undefined, row: RowText, recordTime: string): string {
    if (strategy === undefined) return `const ts0 = ${recordTime}`
    const keep = strategy.generator.kind === 'bounded' ? '\nif (ts0 > mt) mt = ts0' : ''
    if (strategy.timestamp === undefined) {
      const check = strategy.generator.kind === 'bounded' ? `\nif (ts0 !== ts0) W.timestampOf(${row.row}, ts0)` : ''
      return `const ts0 = ${recordTime}${check}${keep}`
    }
    const value =
      typeof strategy.timestamp === 'string'
        ? row.field(strategy.timestamp)
        : `assign(${row.row}, ${recordTime === 'NaN' ? 'null' : `${recordTime} === ${recordTime} ? ${recordTime} : null`})`
    return `const ts0 = ${value}\nif (typeof ts0 !== 'number' || ts0 !== ts0) W.timestampOf(${row.row}, ${recordTime})${keep}`
  }

  #operatorBody(head: ChainNode, unit: ChainUnit): Body {
    const key = this.#rt.headKeys[unit.input]
    if (head.kernel !== undefined && unit.form === 'batch' && key !== undefined) return this.#kernelBody(head, key, unit)
    const { row, declare } = this.#headRow(unit, true)
    const keyOf = key === undefined ? 'undefined' : keyText(key, row, `rt.headKeys[${unit.input}].fn`)
    const call =
      unit.input === 1 ? `O${head.index}.processElement2(${row.row}, ts0, ${keyOf})` : this.#consume(head, row, 'ts0', keyOf, false)
    return { before: '', common: '', body: `${declare}\nconst ts0 = ${this.#inputTimestamp(unit)}\n${call}`, after: '' }
  }

  #kernelBody(head: ChainNode, key: KeySpec, unit: Extract<ChainUnit, { form: 'batch' }>): Body {
    const kernel = head.kernel!
    const row = columnRow(unit.batch.schema, unit.batch.columns)
    const keyOf = kernelKey(key, row, kernel, `O${head.index}`, unit.input)
    const names = { kernel: `O${head.index}`, id: String(head.index), saving: kernel.isSaving, stop: 'rt.interrupted = true' }
    const text = kernel.addText(names, { ...row, timestamp: 'ts0' }, keyOf, this.#emitText(head))
    const time = `const ts0 = ${this.#inputTimestamp(unit)}`
    return { before: `${keyOf.before}\n${text.before}`, common: commonText(text, time), body: `${time}\n${text.row}`, after: text.after }
  }

  /** Hands a row that stands in `row` to everything behind an output. */
  #produce(node: ChainNode, output: NodeOutput, row: RowText, timestamp: string, checkOpen: boolean): string {
    const count = emitsOneForEach(node) || !node.outputs.includes(output) ? [] : [`U${node.index}_${node.outputs.indexOf(output)}.rows++`]
    const children = output.children.map((child) => `{ ${this.#consume(child, row, timestamp, 'undefined', checkOpen)} }`)
    const edges = output.partitions.map(
      (partition) =>
        `{ ${encodeText(partition, row, timestamp, { p: this.#rt.partitions.indexOf(partition), id: `_${this.#names++}`, node: node.index, hoist: (text) => this.#hoisted.add(text) }, checkOpen)} }`,
    )
    const back = children.length > 0 && edges.length > 0 ? [`at = ${node.index}`] : []
    return [...count, ...children, ...back, ...edges].join('\n')
  }

  #consume(node: ChainNode, row: RowText, timestamp: string, key: string, checkOpen: boolean): string {
    const n = node.index
    switch (node.descriptor.kind) {
      case 'map':
        return `at = ${n}\nconst r${n}_ = F${n}(${row.row})\nif (typeof r${n}_ === 'object' && r${n}_ !== null && typeof r${n}_.then === 'function') refusePromise(r${n}_, rt.nodes[${n}].ctx, 'map')\n${this.#produce(node, mainOutput(node), objectRow(`r${n}_`), timestamp, checkOpen)}`
      case 'filter':
        return `at = ${n}\nlet k${n} = F${n}(${row.row})\nif (k${n} !== true && k${n} !== false) k${n} = truthOf(k${n}, rt.nodes[${n}].ctx)\nif (k${n}) {\n${this.#produce(node, mainOutput(node), row, timestamp, checkOpen)}\n}`
      case 'sink':
        if (node.descriptor.sink.discards === true) return `O${n}.count++`
        return `at = ${n}\nO${n}.processElement(${row.row}, ${timestamp}, undefined)\nif (O${n}.pending !== undefined) rt.interrupted = true`
      default:
        return `at = ${n}\nO${n}.processElement(${row.row}, ${timestamp}, ${key})`
    }
  }
}

interface Body {
  readonly before: string
  /** Ahead of `body`: does as many rows as it can, and leaves row `i` to it. */
  readonly common: string
  readonly body: string
  readonly after: string
}

/** A kernel's loop within the loop. */
function commonText({ common }: KernelText, declareTime: string): string {
  if (common === undefined) return ''
  return `common: if (${common.when}) {
${common.before}
for (; i < end; i++) {
${declareTime}
${common.row('common')}
}
break
}
${common.left}`
}

/** Whether something behind an output takes rows as objects. */
const needsObject = (output: NodeOutput): boolean =>
  output.children.length > 0 || output.partitions.some((partition) => !isPlainEncode(partition))

/** What a filter answered, if it is not a boolean. */
function truthOf(answer: unknown, ctx: RuntimeContext): boolean {
  if (isPromise(answer)) refusePromise(answer, ctx, 'filter')
  return Boolean(answer)
}

function keyCount(row: object): number {
  let count = 0
  for (const _ in row) count++
  return count
}
