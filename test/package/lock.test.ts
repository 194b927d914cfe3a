import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

test('the lock names the optional packages of every platform, so that npm ci works on each', () => {
  expect(() => execFileSync(process.execPath, ['test/complete-lock.mjs', '--check'], { cwd: root, stdio: 'pipe' })).not.toThrow()
})

test('the lock names no registry: each user installs from their own', () => {
  const lock = readFileSync(`${root}package-lock.json`, 'utf8')
  expect(lock).not.toContain('"resolved"')
})
