/** A configuration as REST shows it: every key with its value as text, secrets masked. Pure. */
import type { Config } from '../../base/core/config-options.ts'

/** As in Flink (GlobalConfiguration): the value of a key that contains one of these is nobody's business. */
const secrets = [
  ...['password', 'secret', 'fs.azure.account.key', 'apikey', 'api-key', 'auth-params', 'service-key', 'token', 'basic-auth'],
  ...['jaas.config', 'http-headers', 'access-key', 'private-key'],
]

const hidden = '******'

export function configEntries(config: Config): readonly { readonly key: string; readonly value: string }[] {
  return Object.entries(config)
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([key, value]) => ({ key, value: isSecret(key) ? hidden : textOf(value) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
}

const isSecret = (key: string): boolean => secrets.some((part) => key.toLowerCase().includes(part))

const textOf = (value: unknown): string => (typeof value === 'object' ? JSON.stringify(value) : String(value))
