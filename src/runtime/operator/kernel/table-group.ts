/**
 * One typed table for each key group of a subtask: what a pane of a window, or a keyed operator, holds.
 */
import type { KeySpace } from '../../state/key-space.ts'
import { firstValueWord, type TableKeyKind, TypedTable } from '../../state/typed-table.ts'

export interface GroupRange {
  /** First key group of the subtask, and how many it has. */
  readonly first: number
  readonly count: number
  readonly maxParallelism: number
}

export class TableGroup {
  tables: TypedTable[]

  constructor(keys: KeySpace, range: GroupRange, initial: Float64Array) {
    this.tables = Array.from({ length: range.count }, () => new TypedTable(keys.tableKeyKind, initial, keys.hashOf))
  }

  clear(): void {
    for (const table of this.tables) if (table.size > 0) table.clear()
  }

  get sizeBytes(): number {
    let bytes = 0
    for (const table of this.tables) bytes += table.sizeBytes
    return bytes
  }

  /** Calls with every table key. */
  forEachKey(visit: (key: number) => void): void {
    for (const table of this.tables) if (table.size > 0) table.forEach((at) => visit(table.keyAt(at)))
  }

  /** Calls with each table key and where its value fields begin. */
  forEachEntry(visit: (key: number, f64: Float64Array, at: number) => void): void {
    for (const table of this.tables) {
      const word = firstValueWord(table.keyKind)
      if (table.size > 0) table.forEach((at) => visit(table.keyAt(at), table.f64, at + word))
    }
  }

  /** Whether a snapshot reads these tables. */
  get isInSnapshot(): boolean {
    return this.tables.some((table) => table.snapshot !== undefined)
  }

  get isEmpty(): boolean {
    return this.tables.every((table) => table.size === 0)
  }

  /** Holds the same entries under another kind of key. `keyOf` gives the old key as the user knows it, `keys` is already widened. */
  convert(keys: KeySpace, keyOf: (key: number) => unknown): void {
    this.tables = this.tables.map((old) => old.rekeyed(keys.tableKeyKind, (key) => keys.idOf(keyOf(key))))
  }
}

/** Source text of a table's index in `tables` from a hash. */
export const groupText = (hash: string, { first, maxParallelism }: GroupRange): string => {
  const group =
    (maxParallelism & (maxParallelism - 1)) === 0 ? `(${hash} & ${maxParallelism - 1})` : `((${hash} >>> 0) % ${maxParallelism})`
  return first === 0 ? group : `${group} - ${first}`
}

/** Source text that puts `t`, `a`, `m`, `st` and `g` of a table, and `s` and `e` of the first slot to look at, in scope. */
function probeText(keyKind: TableKeyKind, stride: number, h: string, tables: string, range: GroupRange, id: string): string {
  return `const t${id} = ${tables}[${groupText(h, range)}], a${id} = t${id}.i32, m${id} = t${id}.mask, st${id} = t${id}.stamp
${keyKind === 'float64' ? `const g${id} = t${id}.f64\n` : ''}let s${id} = (${h} >>> 7) & m${id}, e${id} = s${id} * ${stride}`
}

const isFree = (keyKind: TableKeyKind, id: string): string => `a${id}[e${id} * 2 + ${keyKind === 'int32' ? 1 : 2}] !== st${id}`

const isKey = (keyKind: TableKeyKind, k: string, id: string): string =>
  keyKind === 'int32' ? `a${id}[e${id} * 2] === ${k}` : `(g${id}[e${id}] === ${k} || (${k} !== ${k} && g${id}[e${id}] !== g${id}[e${id}]))`

/** Source text that leaves in `${t}` the table and in `${e}` the word of the entry of key `k` with hash `h`, or -1. */
export function findText(
  keyKind: TableKeyKind,
  stride: number,
  k: string,
  h: string,
  tables: string,
  range: GroupRange,
  id: string,
): string {
  return `${probeText(keyKind, stride, h, tables, range, id)}
for (;;) {
  if (${isFree(keyKind, id)}) { e${id} = -1; break }
  if (${isKey(keyKind, k, id)}) break
  s${id} = (s${id} + 1) & m${id}; e${id} = s${id} * ${stride}
}`
}

/**
 * Source text that leaves in `${t}` the table, in `${e}` the word of the entry of key `k` with hash `h`, made if absent, and in
 * `${f}` the table's float64 array. `onInsert` runs behind the making of an entry.
 */
export function upsertText(
  keyKind: TableKeyKind,
  stride: number,
  k: string,
  h: string,
  tables: string,
  range: GroupRange,
  id: string,
  saving: boolean,
  onInsert = '',
): string {
  return entryText(keyKind, stride, k, h, tables, range, id, saving, `e${id} = t${id}.insert(${k}, ${h});${onInsert} break`)
}

/** As upsertText, but `absent` runs where there is no such entry, and has to leave the loop. */
export function entryText(
  keyKind: TableKeyKind,
  stride: number,
  k: string,
  h: string,
  tables: string,
  range: GroupRange,
  id: string,
  saving: boolean,
  absent: string,
): string {
  return `${probeText(keyKind, stride, h, tables, range, id)}
for (;;) {
  if (${isFree(keyKind, id)}) { ${absent} }
  if (${isKey(keyKind, k, id)}) { ${saving ? `if (t${id}.snapshot !== undefined) t${id}.saveBefore(e${id}); ` : ''}break }
  s${id} = (s${id} + 1) & m${id}; e${id} = s${id} * ${stride}
}
const f${id} = t${id}.f64`
}
