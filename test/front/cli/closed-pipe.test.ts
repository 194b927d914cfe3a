import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../..', import.meta.url))

test('a reader that leaves early ends the command without a word', () => {
  const { stdout, stderr, status } = spawnSync(
    'bash',
    ['-c', `set -o pipefail; "${process.execPath}" src/front/cli/headrace.ts run test/fixtures/programs/run/many-lines.ts | head -1`],
    { cwd: root, encoding: 'utf8', timeout: 20_000 },
  )
  expect(stderr).toBe('')
  expect(stdout.split('\n').length).toBe(2)
  expect(status).toBe(141)
})
