/** The launcher says where it does not run, before anything else is loaded. */
import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'

test('on Windows it names WSL 2, in one line', () => {
  const windows = 'data:text/javascript,Object.defineProperty(process, "platform", { value: "win32" })'
  const launched = spawnSync(process.execPath, ['--import', windows, 'src/front/cli/launcher.cjs', 'run', 'x.ts'], { encoding: 'utf8' })
  expect(launched.stderr).toBe('headrace: does not run on Windows itself. Run it inside WSL 2.\n')
  expect(launched.stdout).toBe('')
  expect(launched.status).toBe(1)
})
