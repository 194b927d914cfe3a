/**
 * Schemas to Arrow's and back. What Arrow has no type for keeps its kind in the field's metadata (`headrace:kind`), so
 * that a schema survives the way there and back; an Arrow reader without headrace sees a timestamp or bytes. The Arrow
 * module is passed in: it costs 110 ms to load, and task threads do without it.
 */
import type * as Arrow from 'apache-arrow'
import { StreamError } from '../core/stream-error.ts'
import type { DataType, Field, Schema } from './data-type.ts'
import { makeSchema } from './schema.ts'

export type ArrowModule = typeof Arrow

export const loadArrow = (): Promise<ArrowModule> => import('apache-arrow')

const kindKey = 'headrace:kind'
/** Of a schema: in which form opaque values are; absent: structured clones. */
export const opaqueKey = 'headrace:opaque'
const rootKey = 'headrace:root'
const declaredKey = 'headrace:declared'

export function toArrowSchema(arrow: ArrowModule, schema: Schema): Arrow.Schema {
  const fields = schema.fields.map((field) => toArrowField(arrow, field))
  return new arrow.Schema(
    fields,
    new Map([
      [rootKey, schema.root],
      [declaredKey, String(schema.declared)],
    ]),
  )
}

export function toArrowField(arrow: ArrowModule, { name, type, nullable }: Field): Arrow.Field {
  const metadata = type.kind === 'date' || type.kind === 'bigint' || type.kind === 'any' ? new Map([[kindKey, type.kind]]) : undefined
  return new arrow.Field(name, toArrowType(arrow, type), nullable || type.kind === 'null', metadata)
}

export function toArrowType(arrow: ArrowModule, type: DataType): Arrow.DataType {
  switch (type.kind) {
    case 'null':
      return new arrow.Null()
    case 'boolean':
      return new arrow.Bool()
    case 'int32':
      return new arrow.Int32()
    case 'int64':
      return new arrow.Int64()
    case 'float64':
      return new arrow.Float64()
    case 'timestamp':
    case 'date':
      return new arrow.TimestampMillisecond()
    case 'utf8':
      return new arrow.Utf8()
    case 'binary':
    case 'bigint':
    case 'any':
      return new arrow.Binary()
    case 'struct':
      return new arrow.Struct(type.fields.map((field) => toArrowField(arrow, field)))
    case 'list':
      return new arrow.List(toArrowField(arrow, { name: 'item', type: type.item, nullable: type.itemNullable }))
  }
}

/** Also for schemas made by others; their values need converting where their type is wider or narrower than ours. */
export function fromArrowSchema(arrow: ArrowModule, schema: Arrow.Schema): Schema {
  const root = schema.metadata.get(rootKey) === 'value' ? 'value' : 'row'
  const declared = schema.metadata.get(declaredKey) !== 'false'
  return makeSchema(
    root,
    schema.fields.map((field) => fromArrowField(arrow, field, field.name)),
    declared,
  )
}

function fromArrowField(arrow: ArrowModule, field: Arrow.Field, path: string): Field {
  const { nullable } = field
  // The library gives null for a name of no characters.
  const name = (field.name as string | null) ?? ''
  const kind = field.metadata.get(kindKey)
  if (kind === 'date' || kind === 'bigint' || kind === 'any') return { name, type: { kind }, nullable }
  return { name, type: fromArrowType(arrow, field.type, path), nullable }
}

function fromArrowType(arrow: ArrowModule, type: Arrow.DataType, path: string): DataType {
  const { DataType: is } = arrow
  if (is.isNull(type)) return { kind: 'null' }
  if (is.isBool(type)) return { kind: 'boolean' }
  if (is.isInt(type)) return { kind: type.bitWidth < 32 || (type.bitWidth === 32 && type.isSigned) ? 'int32' : 'int64' }
  if (is.isFloat(type)) return { kind: 'float64' }
  if (is.isTimestamp(type) || is.isDate(type)) return { kind: 'timestamp' }
  if (is.isUtf8(type) || is.isLargeUtf8(type)) return { kind: 'utf8' }
  if (is.isBinary(type) || is.isLargeBinary(type) || is.isFixedSizeBinary(type)) return { kind: 'binary' }
  if (is.isDictionary(type)) return fromArrowType(arrow, type.dictionary, path)
  if (is.isStruct(type))
    return { kind: 'struct', fields: type.children.map((child) => fromArrowField(arrow, child, `${path}.${child.name}`)) }
  if (is.isList(type) || is.isFixedSizeList(type)) {
    const item = fromArrowField(arrow, type.children[0]!, `${path}[]`)
    return { kind: 'list', item: item.type, itemNullable: item.nullable }
  }
  throw new StreamError('UNSUPPORTED', `column '${path}' has the Arrow type ${type}, which headrace does not read`, {
    hint: 'Read only the columns you need, or cast the column where the data is written.',
  })
}
