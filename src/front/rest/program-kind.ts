/**
 * What an uploaded file is, whatever its name: its content decides. A module is source text; packages are archives with JavaScript in
 * them; a Java archive is recognised and refused with the reason. Nothing of it is run or unpacked here. Pure.
 */
import { Refusal } from './refusal.ts'

export type ProgramKind = 'module' | 'zip' | 'tgz'

/** Throws a 400 for what cannot be a program. `file` is the user's name for it. */
export function programKindOf(bytes: Uint8Array, file: string): ProgramKind {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (startsWith(head, [0xca, 0xfe, 0xba, 0xbe])) throw isJava(file, 'a compiled Java class')
  if (startsWith(head, [0x50, 0x4b, 0x03, 0x04])) {
    const names = zipNames(head)
    if (names === undefined) throw new Refusal(400, `${file} is a zip archive that is cut off or damaged.`)
    if (names.some((name) => name === 'META-INF/MANIFEST.MF' || name.endsWith('.class'))) throw isJava(file, 'a Java archive')
    // At the top, or in the one folder that packing tools put around everything.
    if (!names.some((name) => /^([^/]+\/)?package\.json$/.test(name)))
      throw new Refusal(400, `${file} is a zip archive without a package.json: nothing says what to run.`)
    return 'zip'
  }
  if (startsWith(head, [0x1f, 0x8b])) return 'tgz'
  if (!isText(head)) throw new Refusal(400, `${file} is neither an ES module nor an archive with a package.json.`)
  return 'module'
}

const isJava = (file: string, what: string): Refusal =>
  new Refusal(
    400,
    `${file} is ${what}. headrace runs programs in TypeScript or JavaScript and has no JVM: upload one ES module, or a .zip or .tgz with a package.json, under a name that ends in .jar.`,
  )

const startsWith = (bytes: Buffer, magic: readonly number[]): boolean => magic.every((byte, i) => bytes[i] === byte)

function isText(bytes: Buffer): boolean {
  if (bytes.length === 0 || bytes.includes(0)) return false
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return true
  } catch {
    // That is the answer.
    return false
  }
}

const endRecord = 0x06054b50
const entryRecord = 0x02014b50

/** Names in the archive's directory, which stands at its end; undefined: there is none, or it does not hold together. */
function zipNames(bytes: Buffer): readonly string[] | undefined {
  const end = lastIndexOfRecord(bytes)
  if (end === undefined) return undefined
  const count = bytes.readUInt16LE(end + 10)
  let at = bytes.readUInt32LE(end + 16)
  const names: string[] = []
  for (let n = 0; n < count; n++) {
    if (at + 46 > bytes.length || bytes.readUInt32LE(at) !== entryRecord) return undefined
    const lengths = [28, 30, 32].map((offset) => bytes.readUInt16LE(at + offset))
    names.push(bytes.toString('utf8', at + 46, at + 46 + lengths[0]!))
    at += 46 + lengths[0]! + lengths[1]! + lengths[2]!
  }
  return names
}

/** A comment of up to 64 KB may stand behind it. */
function lastIndexOfRecord(bytes: Buffer): number | undefined {
  for (let at = bytes.length - 22; at >= Math.max(0, bytes.length - 22 - 0xffff); at--) {
    if (bytes.readUInt32LE(at) === endRecord) return at
  }
  return undefined
}
