/**
 * Where a bundle lies while its program runs: a folder of this process alone, gone when the process exits, however it does
 * that on its own. Threads import the bundle from there, and debuggers and stacks need a file.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import type { ProgramBundle } from '../../base/bundle/bundle-program.ts'
import { StreamError } from '../../base/core/stream-error.ts'

let folder: string | undefined

/** Writes the bundle and tells its URL. `parent` is the option io.tmp.dirs. */
export function placeBundle(bundle: ProgramBundle, parent: string = tmpdir()): URL {
  try {
    if (folder === undefined) {
      const made = mkdtempSync(path.join(parent, 'headrace-'))
      process.on('exit', () => rmSync(made, { recursive: true, force: true }))
      folder = made
    }
    const file = path.join(folder, `${bundle.id}.mjs`)
    writeFileSync(file, bundle.code)
    return pathToFileURL(file)
  } catch (thrown) {
    throw StreamError.from(thrown, 'IO_FAILED', {
      hint: `The program's bundle is kept under ${parent}; -D io.tmp.dirs=<folder> names another place.`,
    })
  }
}
