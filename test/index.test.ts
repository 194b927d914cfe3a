/**
 * What loading the public API costs: a task thread and every program pay it.
 */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const index = new URL('../src/index.ts', import.meta.url)
const script = `
  import { registerHooks } from 'node:module'
  const urls = []
  registerHooks({ load: (url, context, next) => (urls.push(url), next(url, context)) })
  await import(${JSON.stringify(index.href)})
  console.log(JSON.stringify(urls))
`

describe('the public API', () => {
  it('loads the base and program floors only, and no outside package', () => {
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
    const loaded = (JSON.parse(output) as string[]).filter((url) => url.startsWith('file:'))
    expect(loaded.length).toBeGreaterThan(30)
    const root = fileURLToPath(new URL('..', import.meta.url))
    const paths = loaded.map((url) => fileURLToPath(url).slice(root.length))
    expect(paths.filter((path) => !/^src\/(base|program)\/|^src\/index\.ts$/.test(path))).toEqual([])
  })
})
