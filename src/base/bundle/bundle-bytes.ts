/**
 * A program that came as bytes, bundled and laid where its process can import it: a folder of this process alone, gone when it exits.
 * A bundle that `asPackage` made is taken as it is.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { StreamError } from '../core/stream-error.ts'
import { bundleProgram, type ProgramBundle } from './bundle-program.ts'

export interface PlacedProgram {
  /** What task threads load. */
  readonly bytes: Uint8Array
  readonly url: string
  readonly warnings: readonly string[]
}

const marker = '/* headrace bundle */ '

/** A bundle as it is sent: its first words say what it is, on its first line, so that no line moves. */
export const asPackage = (bundle: ProgramBundle): Uint8Array => Buffer.from(marker + bundle.code)

/** `file` is the user's name for it; `entry` the export that is main. Throws INVALID_PROGRAM with what is wrong with it. */
export async function bundleBytes(bytes: Uint8Array, file: string, entry?: string): Promise<PlacedProgram> {
  refuseArchives(bytes, file)
  const folder = mkdtempSync(path.join(tmpdir(), `headrace-job-${process.pid}-`))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  const isBundle = Buffer.from(bytes.subarray(0, marker.length)).toString('latin1') === marker
  if (isBundle && entry === undefined) return place(folder, bytes, [])
  const name = path.basename(file).replace(/\.(jar|[cm]?[jt]s)$/i, '')
  const source = path.join(folder, `${name || 'program'}.ts`)
  writeFileSync(source, bytes)
  const wrapper = path.join(folder, '__entry.ts')
  if (entry !== undefined) writeFileSync(wrapper, `export { ${entryName(entry, file)} as default } from ${JSON.stringify(source)}\n`)
  const bundle = await bundleProgram(entry === undefined ? source : wrapper)
  return place(folder, asPackage(bundle), bundle.warnings)
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

function refuseArchives([first, second]: Uint8Array, file: string): void {
  const kind =
    first === 0x50 && second === 0x4b ? 'a zip or Java archive' : first === 0x1f && second === 0x8b ? 'a compressed archive' : undefined
  if (kind === undefined) return
  throw new StreamError('UNSUPPORTED', `${file} is ${kind}; headrace runs one ES module in TypeScript or JavaScript`, {
    hint: 'headrace submit program.ts sends a program with all that it imports as one module.',
    place: { file },
  })
}
