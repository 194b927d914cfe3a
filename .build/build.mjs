/**
 * Builds dist: the public API and the command line as bundles that share chunks, the task thread as one file, and the type
 * declarations of what index.ts reaches. Outside packages stay outside. `node .build/build.mjs [--no-types] [--out folder]`
 */
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { ownModules } from '../src/base/bundle/own-module.ts'
import { emitDeclarations } from './emit-declarations.mjs'
import { threadBundle } from './thread-bundle.mjs'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const outAt = process.argv.indexOf('--out')
const out = outAt < 0 ? 'dist' : process.argv[outAt + 1]
rmSync(out, { recursive: true, force: true })

const common = {
  bundle: true,
  outdir: out,
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
await build({ ...threadBundle, outfile: `${out}/task-thread.js` })

mkdirSync(`${out}/bin`, { recursive: true })
cpSync('src/front/cli/launcher.cjs', `${out}/bin/headrace.js`)
cpSync('src/front/cli/start.cjs', `${out}/bin/start.js`)
writeFileSync(`${out}/bin/package.json`, '{ "type": "commonjs" }\n')

if (!process.argv.includes('--no-types')) emitDeclarations(process.cwd(), out)
