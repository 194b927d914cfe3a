/** Run by the tests in a process of its own: bundles a program, loads it with a stand-in for `headrace`, runs it, prints what came of it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { bundleProgram } from '../../../src/base/bundle/bundle-program.ts'
import { installHeadraceResolution } from '../../../src/base/bundle/headrace-resolution.ts'
import { loadProgram } from '../../../src/base/bundle/load-program.ts'
import { StreamError } from '../../../src/base/core/stream-error.ts'

const [, , file, inWorker] = process.argv
const folder = mkdtempSync(path.join(tmpdir(), 'headrace-test-'))
try {
  const bundle = await bundleProgram(file!)
  const url = pathToFileURL(path.join(folder, `${bundle.id}.mjs`)).href
  writeFileSync(new URL(url), bundle.code)
  if (inWorker === 'worker') {
    await new Promise((resolve) =>
      new Worker(new URL(import.meta.url), { argv: [file], env: { ...process.env, HEADRACE_TEST_BUNDLE: url } }).on('exit', resolve),
    )
  } else {
    installHeadraceResolution('data:text/javascript,export const hello = () => 1')
    const { main, exports } = await loadProgram(process.env.HEADRACE_TEST_BUNDLE ?? url, file!)
    console.log(JSON.stringify({ exports, result: await (main as ((args: unknown) => unknown) | undefined)?.({ name: 'Aix' }) }))
  }
} catch (thrown) {
  const { message, stack, cause } = thrown as Error
  const code = thrown instanceof StreamError ? thrown.code : undefined
  const hint = thrown instanceof StreamError ? thrown.hint : undefined
  console.log(JSON.stringify({ message, stack, code, hint, cause: cause instanceof Error ? cause.stack : undefined }))
} finally {
  rmSync(folder, { recursive: true, force: true })
}
