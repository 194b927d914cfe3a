/**
 * The configuration of a cluster's process: headrace.yaml, nested or with dots in its keys as Flink's files have them, and -D over it.
 */
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { type Config, checkConfig } from '../../base/core/config-options.ts'
import { StreamError } from '../../base/core/stream-error.ts'

export interface ClusterConfigFile {
  readonly config: Config
  readonly warnings: readonly string[]
}

/** `file` absent: -D and the defaults only. Throws INVALID_CONFIG for the first key that is unknown, or whose value does not fit. */
export function clusterConfig(file: string | undefined, defines: Readonly<Record<string, string>>): ClusterConfigFile {
  const fromFile = file === undefined ? {} : readFile(file)
  try {
    const { config, warnings } = checkConfig({ ...fromFile, ...defines })
    // The others are about running on one machine.
    return { config, warnings: warnings.filter((warning) => warning.startsWith('Ignored')) }
  } catch (thrown) {
    const key = thrown instanceof StreamError ? thrown.place.option : undefined
    if (file === undefined || !(thrown instanceof StreamError) || key === undefined || key in defines) throw thrown
    const { code, message, hint, place, cause } = thrown
    throw new StreamError(code, `${file}: ${message}`, { hint, cause, place: { ...place, file } })
  }
}

function readFile(file: string): Readonly<Record<string, unknown>> {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (thrown) {
    throw new StreamError('INVALID_CONFIG', `${file} cannot be read: ${(thrown as Error).message}`, { cause: thrown, place: { file } })
  }
  let content: unknown
  try {
    content = parse(text)
  } catch (thrown) {
    throw new StreamError('INVALID_CONFIG', `${file} is no YAML: ${(thrown as Error).message}`, { cause: thrown, place: { file } })
  }
  if (content === null || content === undefined) return {}
  if (typeof content !== 'object' || Array.isArray(content))
    throw new StreamError('INVALID_CONFIG', `${file} holds no keys`, { hint: 'Write one a line: rest.port: 8081', place: { file } })
  return flattened(content as Record<string, unknown>)
}

/** `rest: { port: 1 }` is `rest.port: 1`; a list is its elements with `;` between, as in Flink. */
function flattened(content: Readonly<Record<string, unknown>>, prefix = ''): Readonly<Record<string, unknown>> {
  const entries: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(content)) {
    const key = prefix + name
    if (Array.isArray(value)) entries[key] = value.join(';')
    else if (typeof value === 'object' && value !== null) Object.assign(entries, flattened(value as Record<string, unknown>, `${key}.`))
    else entries[key] = value
  }
  return entries
}
