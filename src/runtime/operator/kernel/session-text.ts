/**
 * Source text of session windows: an element that extends or follows its key's latest session is dealt with in the loop;
 * for any other the kernel finds the place.
 */

import type { KeySpace } from '../../state/key-space.ts'
import { firstValueWord } from '../../state/typed-table.ts'
import { keyPropertiesText } from './key-properties.ts'
import type { EmitText, KernelKey, KernelNames, KernelRow, KernelText } from './keyed-kernel.ts'
import { sessionWords } from './session-store.ts'
import type { SessionWindowOptions } from './session-window-kernel.ts'
import { upsertText } from './table-group.ts'

/** Places that are no record: the key's entry, and why there is none. */
export const inEntry = -1
export const isLate = -2
export const isMisfit = -3

export function sessionAddText(
  options: SessionWindowOptions,
  keys: KeySpace,
  names: KernelNames,
  row: KernelRow,
  key: KernelKey,
): KernelText {
  const { accumulator, range, gapMs } = options
  const { kernel: K, id, saving, stop } = names
  const keyKind = keys.tableKeyKind
  const first = firstValueWord(keyKind)
  const ts = row.timestamp
  const misfit = `${K}.misfit(${row.row}, ${ts}, ${key.value}); ${stop}`
  const start = `f${id}[e${id} + ${first}]`
  const end = `f${id}[e${id} + ${first + 1}]`
  return {
    before: `const tb${id} = ${K}.group.tables, of${id} = ${K}.openFrom`,
    row: `add${id}: {
${key.declare}
${upsertText(keyKind, first + sessionWords + accumulator.initial.length, key.k, key.h, `tb${id}`, range, id, saving)}
const we${id} = ${ts} + ${gapMs}, he${id} = ${end}
let fa${id} = f${id}, ea${id} = e${id} + ${first}, placed${id} = false
if (${ts} >= ${start} && ${ts} <= he${id} && he${id} > of${id}) { if (we${id} > he${id}) ${end} = we${id} }
else if (${ts} > he${id} && we${id} > of${id}) ${K}.places.begin(t${id}, ea${id}, ${ts}, ${key.k})
else {
  const at${id} = ${K}.place(t${id}, ea${id}, ${ts}, ${key.k})
  if (at${id} === ${isLate}) { ${K}.late(${row.row}, ${ts}); break add${id} }
  if (at${id} === ${isMisfit}) { ${misfit}; break add${id} }
  if (at${id} >= 0) { fa${id} = ${K}.store.pool; ea${id} = at${id} }
  placed${id} = true
}
${accumulator.addText(`fa${id}`, `ea${id} + ${sessionWords}`, row, id, `${misfit}; break add${id}`, saving)}
if (placed${id} && fa${id}[ea${id} + 1] <= of${id}) ${K}.emitNow(fa${id}, ea${id}, ${key.k})
}`,
    after: '',
  }
}

/** Emits one session after the other, wherever it lies. */
export function sessionFireText(options: SessionWindowOptions, keys: KeySpace, names: KernelNames, emit: EmitText, isFull: string): string {
  const { accumulator, framed, key, emitter } = options
  const result = accumulator.resultText('f', `e + ${sessionWords}`)
  const row = framed ? `{ ${keyPropertiesText(key, keys, 'k')}windowStart: start, windowEnd: end, ${result} }` : result
  const keyValue = keys.kind === 'interned' ? 'values[k]' : 'k'
  return `const values = K.keys.values
for (;;) {
  if (${isFull}) return false
  if (!K.next()) return true
  const f = K.f64, e = K.at, k = K.key, start = f[e], end = f[e + 1], time = end - 1
  ${emitter === undefined ? `const r${names.id} = ${row}\n  ${emit(`r${names.id}`, 'time')}` : `K.emitter.emit(${keyValue}, { start, end }, ${row}, false)`}
}`
}
