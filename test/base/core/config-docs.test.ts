import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { configurationDocs } from '../../../.build/configuration-docs.mjs'
import { configTable, idleKeys } from '../../../src/base/core/config-table.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))

test('docs/configuration.md is what the table says (npm run docs writes it)', () => {
  expect(readFileSync(`${root}docs/configuration.md`, 'utf8')).toBe(configurationDocs())
})

test('each key that is said to be in effect is read somewhere', () => {
  const sources = readdirSync(`${root}src`, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.endsWith('config-table.ts'))
    .map((path) => readFileSync(`${root}src/${path}`, 'utf8'))
    .join('\n')
  const unread = Object.keys(configTable).filter((key) => !idleKeys.some((family) => family.test(key)) && !sources.includes(`'${key}'`))
  expect(unread).toEqual([])
})
