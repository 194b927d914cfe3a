/**
 * The savepoint that the first version wrote is restored, by this one and every later one: test/fixtures/savepoint-1.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { LocalFileSystem } from '../../../src/base/filesystem/local-file-system.ts'
import { run, sorted } from '../../fixtures/savepoint-1/restore.ts'
import { contentOf } from '../../support/local-job.ts'

const folder = new URL('../../fixtures/savepoint-1/', import.meta.url).pathname
const savepoint = `${folder}savepoint`
const expected: Readonly<Record<string, readonly string[]>> = JSON.parse(readFileSync(`${folder}expected.json`, 'utf8'))

describe('the savepoint of format 1', () => {
  it.each([
    ['as it was written', 2, {}],
    ['by the plain operators', 2, { 'execution.codegen': false }],
    ['at a lower parallelism', 1, {}],
    ['at a higher parallelism', 3, {}],
  ])('is restored %s', { timeout: 60_000 }, async (_, parallelism, config) => {
    const files = new LocalFileSystem()
    const bytes = await contentOf(files, savepoint)
    const rows = sorted(await run(parallelism, savepoint, config))
    for (const [uid, own] of Object.entries(expected)) {
      // What belongs to subtasks, not to keys, is dealt anew.
      if (parallelism !== 2 && uid === 'operator states') continue
      expect([uid, rows[uid]]).toEqual([uid, own])
    }
    expect(Object.keys(rows)).toEqual(Object.keys(expected))
    expect(await contentOf(files, savepoint)).toEqual(bytes)
  })
})
