import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { cruise, type ICruiseResult } from 'dependency-cruiser'
import extractTSConfig from 'dependency-cruiser/config-utl/extract-ts-config'
import { describe, expect, test } from 'vitest'
import { bannedWords, bannedWordsIn } from './banned-words.ts'
import config, { floors } from './layers.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const sources = readdirSync(`${root}src`, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'))
const read = (path: string) => readFileSync(`${root}src/${path}`, 'utf8')

async function violations(baseDir: string) {
  const { output } = await cruise(
    ['src'],
    { ...config.options, baseDir, validate: true, ruleSet: { forbidden: config.forbidden as never } },
    undefined,
    { tsConfig: extractTSConfig(`${root}tsconfig.json`) },
  )
  const { summary } = output as ICruiseResult
  return {
    cruised: summary.totalCruised,
    found: summary.violations.map((v) => `${v.rule.name}: ${v.from} -> ${v.to.replace(/^.*node_modules\//, '')}`),
  }
}

describe('the floors', () => {
  test('src imports only along the floors', async () => {
    const { cruised, found } = await violations(root)
    expect(found).toEqual([])
    expect(cruised, 'cruised nothing: TypeScript is not being read').toBeGreaterThan(Object.keys(floors).length)
  })

  test('an import up the floors, a foreign package, a cycle and an undeclared folder are each found', async () => {
    const { found } = await violations(`${root}test/fixtures/architecture`)
    expect(found.sort()).toEqual([
      'base/core-imports-only-what-is-below-it: src/base/core/looks-up.ts -> src/program/api/stream.ts',
      'no-cycle: src/program/api/chicken.ts -> src/program/api/stream.ts',
      'no-undeclared-folder: src/base/attic/old.ts -> src/program/api/stream.ts',
      'piscina-belongs-to-cluster/taskmanager: src/program/api/stream.ts -> piscina/dist/main.js',
    ])
  })
})

describe('words that only adapters may say', () => {
  test('program, runtime and cluster take time, randomness, ports and the process from outside', () => {
    const found = sources.flatMap((path) => bannedWordsIn(path, read(path)).map((hit) => `src/${path}:${hit.line} ${hit.word}`))
    expect(found).toEqual([])
  })

  test('each adapter that may say them exists and needs to', () => {
    for (const adapter of bannedWords.adapters) {
      expect(sources, `${adapter} is listed as an adapter and is not there`).toContain(adapter)
      expect(bannedWordsIn(adapter, read(adapter), []), `${adapter} is listed as an adapter and says no such word`).not.toEqual([])
    }
  })

  test('no source file is longer than 500 lines', () => {
    expect(sources.filter((path) => read(path).split('\n').length > 501)).toEqual([])
    expect(sources.length).toBeGreaterThan(20)
  })
})
