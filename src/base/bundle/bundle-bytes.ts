/**
 * A program that came as bytes, bundled and laid where its process can import it: a folder of this process alone, gone when it exits.
 * A bundle that `asPackage` made is taken as it is.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { StreamError } from '../core/stream-error.ts'
import { bundleProgram, type ProgramBundle } from './bundle-program.ts'
import { type ArchivedFile, unpackArchive } from './unpack-archive.ts'

export interface PlacedProgram {
  /** What task threads load. */
  readonly bytes: Uint8Array
  readonly url: string
  readonly warnings: readonly string[]
}

const maxUnpackedBytes = 256 * 1024 * 1024
const marker = '/* headrace bundle */ '

/** A bundle as it is sent: its first words say what it is, on its first line, so that no line moves. */
export const asPackage = (bundle: ProgramBundle): Uint8Array => Buffer.from(marker + bundle.code)

/** `file` is the user's name for it; `entry` the export that is main. Throws INVALID_PROGRAM with what is wrong with it. */
export async function bundleBytes(bytes: Uint8Array, file: string, entry?: string): Promise<PlacedProgram> {
  const files = unpackArchive(bytes, file, maxUnpackedBytes)
  const folder = mkdtempSync(path.join(tmpdir(), `headrace-job-${process.pid}-`))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  const isBundle = Buffer.from(bytes.subarray(0, marker.length)).toString('latin1') === marker
  if (isBundle && entry === undefined) return place(folder, bytes, [])
  const source = files === undefined ? placeModule(folder, bytes, file) : placePackage(folder, files, file)
  const wrapper = path.join(folder, '__entry.ts')
  if (entry !== undefined) writeFileSync(wrapper, `export { ${entryName(entry, file)} as default } from ${JSON.stringify(source)}\n`)
  const bundle = await bundleProgram(entry === undefined ? source : wrapper)
  return place(folder, asPackage(bundle), bundle.warnings)
}

function placeModule(folder: string, bytes: Uint8Array, file: string): string {
  const name = path.basename(file).replace(/\.(jar|[cm]?[jt]s)$/i, '')
  const source = path.join(folder, `${name || 'program'}.ts`)
  writeFileSync(source, bytes)
  return source
}

/** The module that package.json names. npm puts all files of a .tgz into one folder: it is looked for there too. */
function placePackage(folder: string, files: readonly ArchivedFile[], file: string): string {
  const manifest = files.find(({ name }) => name === 'package.json') ?? files.find(({ name }) => /^[^/]+\/package\.json$/.test(name))
  const missing = (what: string): StreamError =>
    new StreamError('INVALID_PROGRAM', `${file} ${what}: nothing says what to run`, {
      hint: 'Its package.json needs "main": the path of the program, as in "main": "program.ts".',
      place: { file },
    })
  if (manifest === undefined) throw missing('has no package.json')
  const main = mainOf(manifest.bytes)
  if (main === undefined) throw missing('has a package.json without "main"')
  const source = path.posix.join(path.posix.dirname(manifest.name), main)
  if (!files.some(({ name }) => name === source)) throw missing(`has no ${source}, which its package.json names`)
  for (const { name, bytes } of files) {
    const target = path.join(folder, name)
    mkdirSync(path.dirname(target), { recursive: true })
    writeFileSync(target, bytes)
  }
  return path.join(folder, source)
}

function mainOf(manifest: Uint8Array): string | undefined {
  try {
    const { main } = JSON.parse(Buffer.from(manifest).toString('utf8')) as { readonly main?: unknown }
    return typeof main === 'string' ? main : undefined
  } catch {
    // One that is no JSON names nothing.
    return undefined
  }
}

function place(folder: string, bytes: Uint8Array, warnings: readonly string[]): PlacedProgram {
  const file = path.join(folder, '__bundle.mjs')
  writeFileSync(file, bytes)
  return { bytes, url: pathToFileURL(file).href, warnings }
}

function entryName(entry: string, file: string): string {
  if (/^[A-Za-z_$][\w$]*$/.test(entry)) return entry
  throw new StreamError('INVALID_PROGRAM', `${file}: '${entry}' cannot be the name of an export`, {
    hint: 'entryClass names the export that is main; leave it out for the default export.',
    place: { file },
  })
}
