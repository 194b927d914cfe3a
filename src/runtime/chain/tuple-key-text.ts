/**
 * Text that gives a kernel the id of a key of several fields: the ids of the fields' values, a dictionary's through an array,
 * looked up as pairs. The key object is only made for a key that is new.
 */
import type { RowText } from './row-text.ts'

/** `value` is the key object's expression. */
export function tupleKeyText(
  fields: readonly string[],
  row: RowText,
  K: string,
  value: string,
): { readonly before: string; readonly declare: string } {
  const before = [`const tk = ${K}.keys.tuples(${fields.length})`, ...fields.slice(1).map((_, f) => `const tp${f} = tk.pairs[${f}]`)]
  const parts = fields.map((name, f) => {
    const column = row.column(name)
    if (column?.column.dictionary === undefined || column.column.validity !== null) return `tk.partOf(${row.field(name)})`
    before.push(`const ti${f} = tk.translate(y${column.index})`)
    return `ti${f}[d${column.index}[o${column.index} + i] + 1] + 1`
  })
  const last = fields.length - 2
  const steps = [`const tc0 = ${parts[0]}`]
  for (let f = 0; f <= last; f++) {
    const [id, added] = f === last ? ['k', `${K}.keys.intern(${value})`] : [`tc${f + 1}`, `tp${f}.size`]
    steps.push(
      `const tv${f} = ${parts[f + 1]}\nlet ${id} = tp${f}.find(tc${f}, tv${f})\nif (${id} < 0) ${id} = tp${f}.add(tc${f}, tv${f}, ${added})`,
    )
  }
  return { before: before.join('\n'), declare: `${steps.join('\n')}\nconst h = ${K}.keys.hashes[k]` }
}
