/**
 * Writes docs/configuration.md from the table of configuration keys; a test compares the two.
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { configTable, idleKeys } from '../src/base/core/config-table.ts'
import { formatDuration } from '../src/base/core/duration.ts'
import { formatMemorySize } from '../src/base/core/memory-size.ts'

function defaultText(option) {
  const value = option.default
  if (value === undefined) return '(none)'
  if (value === Number.MAX_SAFE_INTEGER) return 'infinite'
  if (option.form.startsWith('a duration') && value >= 0) return formatDuration(value)
  if (option.form.startsWith('a size')) return formatMemorySize(value)
  return typeof value === 'object' ? '(empty)' : String(value)
}

export function configurationDocs() {
  const row = ([key, option]) =>
    `| \`${key}\` | ${defaultText(option)} | ${option.form.replaceAll('|', '\\|')} | ${option.doc.replaceAll('|', '\\|')} |`
  const table = (rows) => ['| key | default | value | meaning |', '|---|---|---|---|', ...rows.map(row)].join('\n')
  const isIdle = ([key]) => idleKeys.some((family) => family.test(key))
  const all = Object.entries(configTable)
  return `# Configuration

Keys have Flink's names. Give them on the command line (\`-D key=value\`) or in the program
(\`env.configure({ key: value })\`). Durations are written \`200 ms\`, \`10 s\`, \`5 min\`, a number alone is milliseconds;
sizes are written \`128 kb\`, \`64 mb\`, a number alone is bytes.

A key that is not listed is an error that names the nearest one that is. Keys that only a JVM needs (\`env.java.*\`,
\`classloader.*\`, metaspace, off-heap and the like) are accepted and ignored, with one warning line.

## Keys in effect

${table(all.filter((entry) => !isIdle(entry)))}

## Keys without effect in this version

These are read and checked, and setting one gives a warning: this version runs jobs on one machine.

${table(all.filter(isIdle))}
`
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(new URL('../docs/configuration.md', import.meta.url), configurationDocs())
