/**
 * Lets modules of a bundle know where they came from: import.meta.url, dirname and filename, __dirname and __filename keep
 * meaning the file that the user wrote, not the bundle, so that a program finds the files beside it.
 */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Loader, Plugin } from 'esbuild'

/** For esbuild's `define`: the names that `ownLocation` declares in each file that needs them. */
export const locationNames = {
  'import.meta.url': '__headraceUrl',
  'import.meta.dirname': '__headraceDirname',
  'import.meta.filename': '__headraceFilename',
  __dirname: '__headraceDirname',
  __filename: '__headraceFilename',
} as const

const loaders: Readonly<Record<string, Loader>> = {
  '.ts': 'ts',
  '.mts': 'ts',
  '.cts': 'ts',
  '.tsx': 'tsx',
  '.jsx': 'jsx',
  '.js': 'jsx',
  '.mjs': 'js',
  '.cjs': 'js',
}

export const ownLocation: Plugin = {
  name: 'own-location',
  setup(build) {
    build.onLoad({ filter: /\.[cm]?[jt]sx?$/ }, async ({ path: file }) => {
      const text = await readFile(file, 'utf8')
      if (!/import\.meta|__dirname|__filename/.test(text)) return { contents: text, loader: loaders[path.extname(file)]! }
      const names: Readonly<Record<string, string>> = {
        __headraceUrl: pathToFileURL(file).href,
        __headraceDirname: path.dirname(file),
        __headraceFilename: file,
      }
      const declarations = Object.entries(names).map(([name, value]) => `var ${name} = ${JSON.stringify(value)};`)
      // On the first line, so that no line moves; a #! line must stay first.
      const start = text.startsWith('#!') ? text.indexOf('\n') + 1 : 0
      return { contents: text.slice(0, start) + declarations.join(' ') + text.slice(start), loader: loaders[path.extname(file)]! }
    })
  },
}
