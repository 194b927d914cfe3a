/**
 * The log of a cluster's process: one line of JSON an event.
 */
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { pino } from 'pino'
import { type Config, configValue } from '../../base/core/config-options.ts'

export interface ProcessLog {
  info(event: string, fields?: Readonly<Record<string, unknown>>): void
  warn(event: string, fields?: Readonly<Record<string, unknown>>): void
}

/** `file` absent: standard output. */
export function processLog(name: string, config: Config, file: string | undefined): ProcessLog {
  if (file !== undefined) mkdirSync(path.dirname(file), { recursive: true })
  const level = configValue(config, 'env.log.level').toLowerCase()
  const destination = pino.destination({ dest: file ?? 1, sync: true })
  const log = pino(
    { name, level: level === 'off' ? 'silent' : level, base: { pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime },
    destination,
  )
  return { info: (event, fields = {}) => log.info(fields, event), warn: (event, fields = {}) => log.warn(fields, event) }
}
