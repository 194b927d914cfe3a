/**
 * Configuration: plain records of key and value, checked against the one table of keys. `checkConfig` is for whoever takes
 * a configuration from a person: an unknown key or an unreadable value is an INVALID_CONFIG error. `configValue` reads one
 * value, with its default, from any such record, checked or not.
 */
import { configTable, idleKeys, jvmOnlyKeys, openKeys, renamedKeys } from './config-table.ts'
import type { ConfigOption } from './config-type.ts'
import { nearest } from './nearest.ts'
import { StreamError } from './stream-error.ts'

export type ConfigKey = keyof typeof configTable
export type ConfigValue<K extends ConfigKey> = (typeof configTable)[K] extends ConfigOption<infer T> ? T : never

/** A configuration as it travels: JSON-able values by key. */
export type Config = Readonly<Record<string, unknown>>

/** What a program may write: known keys with values of their type, or with Flink's text form. */
export type ConfigInput = { readonly [K in ConfigKey]?: ConfigValue<K> | string } & Config

export interface CheckedConfig {
  /** The known keys with their values read: durations in ms, sizes in bytes. */
  readonly config: Config
  /** For a person: one line for keys that only a JVM needs, and one for keys that this version does not act upon. */
  readonly warnings: readonly string[]
}

/** Reads every value; throws INVALID_CONFIG for the first key that is unknown or whose value does not fit. */
export function checkConfig(entries: Config): CheckedConfig {
  const config: Record<string, unknown> = {}
  const ignored: string[] = []
  const idle: string[] = []
  for (const [key, raw] of Object.entries(entries)) {
    if (raw === undefined || raw === null) continue
    if (isIdleOnOneMachine(key)) idle.push(key)
    if (Object.hasOwn(configTable, key)) config[key] = readValue(key as ConfigKey, raw)
    else if (openKeys.some((family) => family.test(key))) config[key] = String(raw)
    else if (jvmOnlyKeys.some((family) => family.test(key))) ignored.push(key)
    else throw unknownKey(key)
  }
  const warnings = [
    ...(ignored.length > 0 ? [`Ignored, since there is no JVM here: ${ignored.join(', ')}`] : []),
    ...(idle.length > 0 ? [`Without effect in this version, which runs jobs on one machine: ${idle.join(', ')}`] : []),
  ]
  return { config, warnings }
}

/** It says how processes of a cluster are run: a job on one machine does not act upon it. */
export const isIdleOnOneMachine = (key: string): boolean => idleKeys.some((family) => family.test(key))

/** The value of a key, or its default. */
export function configValue<K extends ConfigKey>(config: Config, key: K): ConfigValue<K> {
  const raw = config[key]
  if (raw === undefined || raw === null) return configTable[key].default as ConfigValue<K>
  return readValue(key, raw) as ConfigValue<K>
}

function readValue(key: ConfigKey, raw: unknown): unknown {
  const option: ConfigOption<unknown> = configTable[key]
  const value = option.read(raw)
  if (value !== undefined) return value
  throw new StreamError('INVALID_CONFIG', `Option ${key}: ${show(raw)} is not a value it can have`, {
    hint: `It expects ${option.form}. ${option.doc}`,
    place: { option: key },
  })
}

function unknownKey(key: string): StreamError {
  const renamed = renamedKeys[key]
  const close = renamed ?? nearest(key, Object.keys(configTable))
  const hint =
    renamed !== undefined
      ? `It is called ${renamed} now.`
      : close !== undefined
        ? `Did you mean ${close}? ${configTable[close as ConfigKey].doc}`
        : 'The keys are those of Flink; see docs/configuration.md for the ones that headrace knows.'
  return new StreamError('INVALID_CONFIG', `Unknown option ${key}`, { hint, place: { option: key } })
}

function show(raw: unknown): string {
  const shown = typeof raw === 'string' ? `'${raw}'` : (JSON.stringify(raw) ?? String(raw))
  return shown.length > 80 ? `${shown.slice(0, 77)}...` : shown
}
