/**
 * The types a column can have, and schemas made of them. Plain data: a schema travels as JSON.
 *
 * | kind      | JavaScript value            | Arrow type             |
 * | --------- | --------------------------- | ---------------------- |
 * | null      | null                        | Null                   |
 * | boolean   | boolean                     | Bool (bits)            |
 * | int32     | number                      | Int32                  |
 * | int64     | number, whole, up to 2^53   | Int64 (two Int32 here) |
 * | float64   | number                      | Float64                |
 * | timestamp | number, ms since the epoch  | Timestamp(ms)          |
 * | date      | Date                        | Timestamp(ms)          |
 * | bigint    | bigint                      | Decimal/Binary         |
 * | utf8      | string                      | Utf8 or Dictionary     |
 * | binary    | Uint8Array                  | Binary                 |
 * | struct    | plain object                | Struct                 |
 * | list      | array                       | List                   |
 * | any       | whatever can be cloned      | Binary, opaque         |
 */
export type DataType =
  | { readonly kind: 'null' | 'boolean' | 'int32' | 'int64' | 'float64' | 'timestamp' | 'date' | 'bigint' | 'utf8' | 'binary' | 'any' }
  | { readonly kind: 'struct'; readonly fields: readonly Field[] }
  | { readonly kind: 'list'; readonly item: DataType; readonly itemNullable: boolean }

export type TypeKind = DataType['kind']

export interface Field {
  readonly name: string
  readonly type: DataType
  readonly nullable: boolean
}

/**
 * The columns of a stream. `root: 'row'` holds plain objects, one column a field; `root: 'value'` holds anything else
 * (numbers, strings, arrays, ...) in one column named `value`.
 */
export interface Schema {
  /** Hash of the canonical form: equal schemas have equal ids wherever they were made. */
  readonly id: string
  readonly root: 'row' | 'value'
  readonly fields: readonly Field[]
  /** A declared schema is trusted; an inferred one counts each row's keys at encode, so that no late field is lost. */
  readonly declared: boolean
  /** How often an inferred schema was widened; not part of its id. Absent: never. */
  readonly version?: number
}

/** A type as a user writes it, `t.int32`, with the TypeScript type it stands for. */
export interface Type<T> {
  readonly dataType: DataType
  readonly nullable: boolean
  /** Never present at run time; carries T. */
  readonly __type?: T
}
