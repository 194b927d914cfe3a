/**
 * The plan form of an operator: what decides it beyond name and kind, as plain data, and whether it keeps state. Functions
 * become the word 'function': their text is no part of a plan.
 */
import type { Type } from '../../base/columnar/data-type.ts'
import type { OperatorDescriptor, WindowApply } from './operator-descriptor.ts'
import type { StreamNode } from './stream-graph.ts'

type Plain = Readonly<Record<string, unknown>>

/** `sideTypes`: what is declared of its side outputs, by tag. */
export function operatorDetails(node: StreamNode, sideTypes: ReadonlyMap<string, readonly Type<unknown>[]>): Plain | undefined {
  const details = {
    ...detailsOf(node.operator),
    ...(node.outputType !== undefined && { type: typeOf(node.outputType) }),
    ...(sideTypes.size > 0 && { sideOutputs: Object.fromEntries([...sideTypes].map(([tag, [type]]) => [tag, typeOf(type)])) }),
  }
  const known = Object.fromEntries(Object.entries(details).filter(([, value]) => value !== undefined))
  return Object.keys(known).length === 0 ? undefined : known
}

/** Whether the operator has something in a snapshot, so that it wants a uid. */
export function isStateful({ operator, keys }: StreamNode): boolean {
  switch (operator.kind) {
    case 'source':
    case 'reduce':
    case 'rolling':
    case 'window':
      return true
    case 'process':
    case 'coProcess':
      return (keys.some((key) => key !== undefined) && ('onTimer' in operator.fn || hasState(operator.fn))) || hasOperatorState(operator.fn)
    default:
      return false
  }
}

const hasState = (fn: object): boolean => Object.keys((fn as { state?: object }).state ?? {}).length > 0

const hasOperatorState = (fn: object): boolean => Object.keys((fn as { operatorState?: object }).operatorState ?? {}).length > 0

function detailsOf(operator: OperatorDescriptor): Plain {
  switch (operator.kind) {
    case 'source':
      return {
        source: operator.source.name,
        boundedness: operator.source.boundedness,
        type: typeOf(operator.source.type),
        watermarks: plain(operator.watermarks),
      }
    case 'sink':
      return { sink: operator.sink.name, type: typeOf(operator.sink.type) }
    case 'assignTimestamps':
      return { watermarks: plain(operator.strategy) }
    case 'process':
    case 'coProcess':
      return {
        state: stateOf((operator.fn as { state?: Plain }).state),
        operatorState: stateOf((operator.fn as { operatorState?: Plain }).operatorState),
      }
    case 'rolling':
      return { op: operator.op, field: operator.field, first: operator.first }
    case 'window':
      return {
        assigner: plain(operator.assigner),
        trigger: plain(operator.trigger),
        evictor: plain(operator.evictor),
        allowedLatenessMs: operator.allowedLatenessMs,
        lateOutput: operator.lateTag?.id,
        apply: applyOf(operator.apply),
      }
    default:
      return {}
  }
}

function applyOf(apply: WindowApply): Plain {
  switch (apply.kind) {
    case 'aggregates':
    case 'rolling':
      return plain(apply) as Plain
    default: {
      const process = apply.process as undefined | { globalState?: Plain; windowState?: Plain }
      return {
        kind: apply.kind,
        process: process && 'function',
        globalState: stateOf(process?.globalState),
        windowState: stateOf(process?.windowState),
      }
    }
  }
}

const typeOf = (type: Type<unknown> | undefined): unknown => type && { dataType: type.dataType, nullable: type.nullable }

function stateOf(state: Plain | undefined): unknown {
  if (state === undefined) return undefined
  return Object.fromEntries(
    Object.entries(state).map(([name, declaration]) => {
      const { kind, scope, type, keyType } = declaration as { kind: string; scope?: string; type?: Type<unknown>; keyType?: Type<unknown> }
      return [name, { kind, ...(scope !== undefined && { scope }), type: typeOf(type), keyType: typeOf(keyType) }]
    }),
  )
}

/** Descriptors are plain but for the functions in them. */
function plain(value: unknown): unknown {
  if (typeof value === 'function') return 'function'
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(plain)
  const fields = Object.entries(value).filter(([, field]) => field !== undefined)
  return Object.fromEntries(fields.map(([name, field]) => [name, name === 'state' ? stateOf(field as Plain) : plain(field)]))
}
