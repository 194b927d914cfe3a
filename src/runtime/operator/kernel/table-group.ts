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

  get isEmpty(): boolean {
    return this.tables.every((table) => table.size === 0)
  }

  /** Holds the same entries under another kind of key. `keyOf` gives the old key as the user knows it, `keys` is already widened. */
  convert(keys: KeySpace, keyOf: (key: number) => unknown): void {
    this.tables = this.tables.map((old) => {
      const table = new TypedTable(keys.tableKeyKind, old.initial, keys.hashOf)
      const from = firstValueWord(old.keyKind)
      const to = firstValueWord(table.keyKind)
      old.forEach((at) => {
        const key = keys.idOf(keyOf(old.keyAt(at)))
        const entry = table.upsert(key, keys.hashOf(key))
        table.f64.set(old.f64.subarray(at + from, at + old.stride), entry + to)
      })
      return table
    })
  }
}

/** Source text of a table's index in `tables` from a hash. */
export const groupText = (hash: string, { first, maxParallelism }: GroupRange): string => {
  const group = (maxParallelism & (maxParallelism - 1)) === 0 ? `(${hash} & ${maxParallelism - 1})` : `((${hash} >>> 0) % ${maxParallelism})`
  return first === 0 ? group : `${group} - ${first}`
}

/**
 * Source text that leaves in `${t}` the table, in `${e}` the word of the entry of key `k` with hash `h`, made if absent, and in
 * `${f}` the table's float64 array. `onInsert` runs behind the making of an entry.
 */
export function upsertText(keyKind: TableKeyKind, stride: number, k: string, h: string, tables: string, range: GroupRange, id: string, saving: boolean, onInsert = ''): string {
  const stamp = keyKind === 'int32' ? 1 : 2
  const same = keyKind === 'int32' ? `a${id}[e${id} * 2] === ${k}` : `(g${id}[e${id}] === ${k} || (${k} !== ${k} && g${id}[e${id}] !== g${id}[e${id}]))`
  return `const t${id} = ${tables}[${groupText(h, range)}], a${id} = t${id}.i32, m${id} = t${id}.mask, st${id} = t${id}.stamp
${keyKind === 'float64' ? `const g${id} = t${id}.f64\n` : ''}let s${id} = (${h} >>> 7) & m${id}, e${id} = s${id} * ${stride}
for (;;) {
  if (a${id}[e${id} * 2 + ${stamp}] !== st${id}) { e${id} = t${id}.insert(${k}, ${h});${onInsert} break }
  if (${same}) { ${saving ? `if (t${id}.snapshot !== undefined) t${id}.saveBefore(e${id}); ` : ''}break }
  s${id} = (s${id} + 1) & m${id}; e${id} = s${id} * ${stride}
}
const f${id} = t${id}.f64`
}
