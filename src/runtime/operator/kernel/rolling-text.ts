/**
 * Source text of a rolling aggregate or reduce for one row: the first row of a key goes into the table and out unchanged;
 * every further one is combined with what the table holds, and the running row goes out. It says what
 * rolling-aggregate.ts and the plain reduce operator say.
 */
import type { RollingOp } from '../../../program/graph/operator-descriptor.ts'
import { firstValueWord } from '../../state/typed-table.ts'
import type { EmitText, KernelKey, KernelNames, KernelRow } from './keyed-kernel.ts'
import { quote } from './quote.ts'
import type { LayoutField, RowLayout } from './row-layout.ts'

export interface RollingAggregate {
  readonly op: RollingOp
  readonly field: string
  readonly first: boolean
}

/** The running row at hand, in the table's words. */
export interface RunningText {
  readonly layout: RowLayout
  readonly names: KernelNames
  readonly row: KernelRow
  readonly key: KernelKey
  readonly emit: EmitText
  /** Whether reduce is known to return exactly the layout's fields. */
  readonly returnsFields: boolean
}

/** What stands in the loop where `fresh${id}` says whether the entry was made for this row. */
export function aggregateText(running: RunningText, aggregate: RollingAggregate): string {
  const { names, row } = running
  const out = `out${names.id}`
  return `if (fresh${names.id}) { ${storeText(running, (field) => rowValue(running, field), true)} }
else { ${combineText(running, aggregate)} }
const ${out} = ${heldText(running)}
${running.emit(out, row.timestamp, namesOf(running))}`
}

export function reduceText(running: RunningText): string {
  const { names, row, key, layout } = running
  const r = `r${names.id}`
  const value = ({ name }: LayoutField) => (layout.root === 'value' ? r : `${r}${quote.access(name)}`)
  const given = givenText(running)
  return `if (fresh${names.id}) { ${storeText(running, (field) => rowValue(running, field), true)}
${names.kernel}.emitFirst(${given}, ${row.timestamp}) }
else {
const ${r} = reduceRows(${heldText(running)}, ${given})
if (${misfits(running, r, value).join(' || ') || 'false'}) { ${names.kernel}.misfit(${key.value}, ${r}, ${row.timestamp}); ${names.stop} }
else { ${storeText(running, value, false)}
${running.emit(r, row.timestamp, namesOf(running))} }
}`
}

const namesOf = ({ layout }: RunningText): readonly string[] | undefined =>
  layout.root === 'value' ? undefined : layout.fields.map(({ name }) => name)

const wordText = ({ names, key }: RunningText, word: number): string => {
  const at = word + firstValueWord(key.kind === 'float64' ? 'float64' : 'int32')
  return `f${names.id}[e${names.id} + ${at}]`
}

/** The key as the row that came first had it. */
function keyValue({ names, key }: RunningText): string {
  if (key.kind === 'interned') return `keys${names.id}[${key.k}]`
  return key.kind === 'int32' ? key.k : `f${names.id}[e${names.id}]`
}

const restText = (running: RunningText): string => `rests${running.names.id}[${wordText(running, running.layout.restWord)}]`

function heldValue(running: RunningText, { name, kind, word }: LayoutField): string {
  if (kind === 'key') return keyValue(running)
  if (kind === 'rest') return `${restText(running)}${quote.access(name)}`
  return kind === 'boolean' ? `${wordText(running, word)} === 1` : wordText(running, word)
}

/** The running row as an expression. */
function heldText(running: RunningText): string {
  const { layout } = running
  if (layout.root === 'value') return wordText(running, 0)
  return `{ ${layout.fields.map((field) => `${quote.property(field.name)}: ${heldValue(running, field)}`).join(', ')} }`
}

const rowValue = ({ layout, row }: RunningText, { name }: LayoutField): string => (layout.root === 'value' ? row.row : row.field(name))

/** The row as reduce is given it. A string key is the one that is kept: then both rows hold the very same. */
function givenText(running: RunningText): string {
  const { layout, key } = running
  if (layout.root === 'value') return running.row.row
  const value = (field: LayoutField) => (field.kind === 'key' && key.kind === 'interned' ? keyValue(running) : rowValue(running, field))
  return `{ ${layout.fields.map((field) => `${quote.property(field.name)}: ${value(field)}`).join(', ')} }`
}

/** `whole`: the row replaces what was held, its key too; else the rest is kept as it is while its fields stay the same. */
function storeText(running: RunningText, value: (field: LayoutField) => string, whole: boolean): string {
  const { layout, names, key } = running
  const stores = layout.fields
    .filter(({ kind }) => kind === 'number' || kind === 'boolean')
    .map((field) => `${wordText(running, field.word)} = ${field.kind === 'boolean' ? `${value(field)} ? 1 : 0` : value(field)}`)
  if (whole && key.kind === 'float64') stores.push(`f${names.id}[e${names.id}] = ${key.k}`)
  const rest = layout.fields.filter(({ kind }) => kind === 'rest')
  if (rest.length > 0) {
    const object = `{ ${rest.map((field) => `${quote.property(field.name)}: ${value(field)}`).join(', ')} }`
    const word = wordText(running, layout.restWord)
    const keep = `${word} = ${names.kernel}.keepRest(fresh${names.id} ? -1 : ${word}, ${object})`
    stores.push(
      whole ? keep : `if (${rest.map((field) => `!Object.is(${value(field)}, ${heldValue(running, field)})`).join(' || ')}) ${keep}`,
    )
  }
  return stores.join('\n')
}

function combineText(running: RunningText, { op, field: name, first }: RollingAggregate): string {
  const field = running.layout.fields.find((candidate) => candidate.name === name)
  if (field === undefined) return ''
  const held = wordText(running, field.word)
  const v = `v${running.names.id}`
  const value = rowValue(running, field)
  const declare = `const ${v} = ${field.kind === 'boolean' ? `${value} ? 1 : 0` : value}`
  const above = `${v} > ${held} || (${v} !== ${v} && ${held} === ${held})`
  const below = `${v} < ${held} || (${held} !== ${held} && ${v} === ${v})`
  const replace = () => storeText(running, (each) => rowValue(running, each), true)
  switch (op) {
    case 'sum':
      return `${held} += ${value}`
    case 'min':
      return `${declare}; if (${below}) ${held} = ${v}`
    case 'max':
      return `${declare}; if (${above}) ${held} = ${v}`
    case 'minBy':
      return `${declare}; if (${first ? below : `!(${above})`}) { ${replace()} }`
    case 'maxBy':
      return `${declare}; if (${first ? above : `!(${below})`}) { ${replace()} }`
  }
}

/** Conditions under which what reduce returned does not fit the layout. */
function misfits(running: RunningText, r: string, value: (field: LayoutField) => string): string[] {
  const { layout } = running
  if (layout.root === 'value') return [`typeof ${r} !== 'number'`]
  const known = running.returnsFields ? [] : [`plainFields(${r}) !== ${layout.fields.length}`]
  const fields = layout.fields.flatMap((field) => {
    if (field.kind === 'key') return [`!Object.is(${value(field)}, ${keyValue(running)})`]
    if (field.kind === 'rest') return running.returnsFields ? [] : [`!(${quote.text(field.name)} in ${r})`]
    return [`typeof ${value(field)} !== '${field.kind}'`]
  })
  return [...known, ...fields]
}
