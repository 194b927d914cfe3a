import { isBuiltin } from 'node:module'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { expect, test } from 'vitest'
import { threadBundle } from '../../../.build/thread-bundle.mjs'

const root = fileURLToPath(new URL('../../..', import.meta.url))

test('the one file of a task thread loads no outside package of itself, and exports the API beside its entry', async () => {
  const { metafile } = await build({ ...threadBundle, absWorkingDir: root, write: false, metafile: true })
  const output = metafile.outputs['dist/task-thread.js']!
  const loadedAtOnce = output.imports.filter((each) => each.kind !== 'dynamic-import').map((each) => each.path)
  expect(loadedAtOnce.length).toBeGreaterThan(0)
  expect(loadedAtOnce.filter((path) => !isBuiltin(path))).toEqual([])
  expect(output.exports).toEqual(expect.arrayContaining(['default', 'getEnvironment', 't', 'fileSource', 'sum']))
  expect(Object.keys(metafile.inputs).filter((path) => /local-executor|thread-slots|front\//.test(path))).toEqual([])
})
