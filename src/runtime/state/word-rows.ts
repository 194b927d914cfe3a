/**
 * A chunk of a keyed state in the making whose values lie in the words of typed tables: a number, or the fields of a row. What is
 * written is words to the columns; values that lie elsewhere are held apart by row.
 */
import { structColumn } from '../../base/columnar/struct-column.ts'
import type { KeySpace, KeySpaceKind } from './key-space.ts'
import type { StateChunk } from './snapshot.ts'
import type { TableReader } from './table-reader.ts'
import type { RowCodec } from './typed-value.ts'

/** Rows of a chunk: a tenth of a millisecond or two, for an Arrow batch that costs as much however small it is. */
const wordRows = 8192

/** What a chunk is made in. */
interface ColumnMemory {
  readonly columns: readonly Float64Array[]
  readonly groups: Int32Array
  readonly tableKeys: Int32Array | Float64Array
}

/** Where a state's value lies among the value fields of an entry. */
export interface WordPlace {
  readonly word: number
  readonly mark: number
  /** It is there where it is not NaN, or marked; else where it is marked. */
  readonly isNumber: boolean
}

export class WordRows {
  count = 0
  #memory: ColumnMemory
  /** Of chunks that were encoded. */
  readonly #free: ColumnMemory[] = []
  /** By row: values that do not lie in words. */
  #others = new Map<number, unknown>()
  readonly #offsets = new Int32Array(wordRows)
  readonly #kind: KeySpaceKind
  readonly #keys: KeySpace
  readonly #codec: RowCodec | undefined

  /** `codec`: the values are rows. */
  constructor(kind: KeySpaceKind, keys: KeySpace, codec: RowCodec | undefined) {
    this.#kind = kind
    this.#keys = keys
    this.#codec = codec
    this.#memory = this.#newMemory()
  }

  get room(): number {
    return wordRows - this.count
  }

  /** The next entries of a table, as many as there is room for at most; false: there are no more. `otherAt`: the value among a key's objects. */
  addFrom(reader: TableReader, group: number, place: WordPlace, otherAt: (index: number) => unknown): boolean {
    const offsets = this.#offsets
    const found = reader.nextSome(offsets, this.room)
    const kept = this.#keep(reader, found, place, otherAt)
    const { count } = this
    const { i32, f64, first } = reader
    const { columns, groups, tableKeys: keys } = this.#memory
    groups.fill(group, count, count + kept)
    if (keys instanceof Int32Array) for (let i = 0; i < kept; i++) keys[count + i] = i32[offsets[i]! * 2]!
    else for (let i = 0; i < kept; i++) keys[count + i] = f64[offsets[i]!]!
    for (let w = 0; w < columns.length; w++) gather(f64, offsets, first + place.word + w, kept, columns[w]!, count)
    this.count += kept
    return found > 0
  }

  /** Drops the entries without a value; answers how many are left. */
  #keep({ i32, f64, first }: TableReader, found: number, { word, mark, isNumber }: WordPlace, otherAt: (index: number) => unknown): number {
    const offsets = this.#offsets
    let kept = 0
    for (let i = 0; i < found; i++) {
      const entry = offsets[i]!
      const at = entry + first
      if ((i32[at * 2]! & mark) === 0 && (!isNumber || f64[at + word]! !== f64[at + word]!)) {
        const other = otherAt(i32[at * 2 + 1]!)
        if (other === undefined) continue
        this.#others.set(this.count + kept, other)
      }
      offsets[kept++] = entry
    }
    return kept
  }

  /** What was added since the last call. */
  take(): StateChunk {
    const { count } = this
    const memory = this.#memory
    const columns = [
      { name: 'keyGroup', values: memory.groups.subarray(0, count) },
      { name: 'key', values: keyColumn(this.#kind, this.#keys, memory.tableKeys.subarray(0, count)) },
      this.#values(),
    ]
    this.count = 0
    this.#others = new Map()
    this.#memory = this.#free.pop() ?? this.#newMemory()
    return { rowCount: count, columns, recycle: () => void this.#free.push(memory) }
  }

  #values(): StateChunk['columns'][number] {
    const { count } = this
    const { columns: words } = this.#memory
    const others = this.#others
    const codec = this.#codec
    if (codec === undefined) {
      const [numbers] = words as [Float64Array]
      return { name: 'value', values: others.size === 0 ? numbers : withOthers(numbers.subarray(0, count), others) }
    }
    const fields = codec.names.map((name, w) => ({ name, values: words[w]! }))
    const rows = structColumn('value', fields, count)
    return others.size === 0 ? rows : { name: 'value', values: withOthers(rows.values, others) }
  }

  #newMemory(): ColumnMemory {
    return {
      columns: Array.from({ length: this.#codec?.words ?? 1 }, () => new Float64Array(wordRows)),
      groups: new Int32Array(wordRows),
      tableKeys: this.#kind === 'float64' ? new Float64Array(wordRows) : new Int32Array(wordRows),
    }
  }
}

function gather(f64: Float64Array, offsets: Int32Array, word: number, count: number, column: Float64Array, from: number): void {
  for (let i = 0; i < count; i++) column[from + i] = f64[offsets[i]! + word]!
}

const withOthers = (values: ArrayLike<unknown>, others: ReadonlyMap<number, unknown>): unknown[] =>
  Array.from(values, (value, i) => (others.has(i) ? others.get(i) : value))

/** Table keys as a column of the keys they stand for. */
export function keyColumn(kind: KeySpaceKind, { values }: KeySpace, keys: ArrayLike<number>): Int32Array | Float64Array | unknown[] {
  if (kind === 'interned') return Array.from(keys, (id) => values[id])
  if (kind === 'int32') return keys instanceof Int32Array ? keys : new Int32Array(keys)
  return keys instanceof Float64Array ? keys : new Float64Array(keys)
}
