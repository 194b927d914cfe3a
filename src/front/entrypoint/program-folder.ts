/**
 * Where a bundle lies while its program runs: a folder of this process alone, gone when the process exits. Folders of
 * processes that were killed are removed by the next one. Threads import the bundle from there, and debuggers need a file.
 */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
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
      removeAbandoned(parent)
      const made = mkdtempSync(path.join(parent, `headrace-run-${process.pid}-`))
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

function removeAbandoned(parent: string): void {
  for (const name of readdirSync(parent)) {
    const pid = /^headrace-run-(\d+)-/.exec(name)?.[1]
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(path.join(parent, name), { recursive: true, force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (thrown) {
    // Not ours to signal, but there.
    return (thrown as NodeJS.ErrnoException).code === 'EPERM'
  }
}
