/**
 * Builds dist: the public API and the command line as bundles that share chunks, the task thread as one file, and the type
 * declarations of what index.ts reaches. Outside packages stay outside. `node tools/build.mjs [--no-types]`
 */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { ownModules } from '../src/base/bundle/own-module.ts'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
rmSync('dist', { recursive: true, force: true })

const common = {
  bundle: true,
  outdir: 'dist',
  format: 'esm',
  platform: 'node',
  target: 'node24',
  packages: 'external',
  charset: 'utf8',
  legalComments: 'none',
}
const entry = (name) => ({ in: `src/${ownModules[name]}`, out: name })
const built = Object.keys(ownModules).filter((name) => existsSync(`src/${ownModules[name]}`))
const shared = built.filter((name) => name !== 'task-thread')

await build({ ...common, entryPoints: shared.map(entry), splitting: true, chunkNames: '[name]-[hash]' })
// A task thread must not pay for what only the command line needs, so it shares no chunk with it.
await build({ ...common, entryPoints: [entry('task-thread')] })

mkdirSync('dist/bin', { recursive: true })
cpSync('src/front/cli/launcher.cjs', 'dist/bin/headrace.js')
cpSync('src/front/cli/start.cjs', 'dist/bin/start.js')
writeFileSync('dist/bin/package.json', '{ "type": "commonjs" }\n')

if (!process.argv.includes('--no-types')) {
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tools/tsconfig.build.json'], { stdio: 'inherit' })
}
