/**
 * The files of a zip or a .tgz, in memory. Pure. Whoever made it may mean harm: names that lead elsewhere, links, sizes that lie and
 * archives that grow beyond `maxBytes` are refused before anything is written.
 */
import { gunzipSync, inflateRawSync } from 'node:zlib'
import { StreamError } from '../core/stream-error.ts'

export interface ArchivedFile {
  /** Relative, with `/`. */
  readonly name: string
  readonly bytes: Uint8Array
}

/** undefined: it is no archive. Throws INVALID_PROGRAM for one that is damaged, too large or dangerous. `file` is the user's name for it. */
export function unpackArchive(bytes: Uint8Array, file: string, maxBytes: number): readonly ArchivedFile[] | undefined {
  const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const isZip = content.length > 3 && content.readUInt32LE(0) === 0x04034b50
  const isGzip = content[0] === 0x1f && content[1] === 0x8b
  if (!isZip && !isGzip) return undefined
  try {
    return isZip ? zipFiles(content, maxBytes) : tarFiles(gunzipSync(content, { maxOutputLength: maxBytes }))
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw refused(file, `it unpacks to more than ${maxBytes} bytes`)
    throw refused(file, thrown instanceof Error ? thrown.message : String(thrown))
  }
}

const refused = (file: string, why: string): StreamError =>
  new StreamError('INVALID_PROGRAM', `${file} cannot be unpacked: ${why}`, {
    hint: 'A program is one ES module, or a .zip or .tgz with a package.json whose "main" names one.',
    place: { file },
  })

function safeName(name: string): string {
  const parts = name.split('/')
  if (name === '' || name.includes('\0') || name.includes('\\') || name.startsWith('/') || /^[a-z]:/i.test(name) || parts.includes('..'))
    throw new Error(`it has a file called ${JSON.stringify(name)}, which leads out of it`)
  return parts.filter((part) => part !== '.' && part !== '').join('/')
}

/** What the central directory lists, which is what counts. */
function zipFiles(content: Buffer, maxBytes: number): readonly ArchivedFile[] {
  const end = content.lastIndexOf(Buffer.from([0x50, 0x4b, 5, 6]))
  if (end < 0 || end + 22 > content.length) throw new Error('it is cut off')
  const files: ArchivedFile[] = []
  let left = maxBytes
  let at = content.readUInt32LE(end + 16)
  for (let i = content.readUInt16LE(end + 10); i > 0; i--) {
    if (content.readUInt32LE(at) !== 0x02014b50) throw new Error('its directory is damaged')
    const [nameLength, extraLength, commentLength] = [
      content.readUInt16LE(at + 28),
      content.readUInt16LE(at + 30),
      content.readUInt16LE(at + 32),
    ]
    const name = content.toString('utf8', at + 46, at + 46 + nameLength)
    const isLink = ((content.readUInt32LE(at + 38) >>> 16) & 0xf000) === 0xa000
    if (isLink) throw new Error(`${JSON.stringify(name)} is a link`)
    if (!name.endsWith('/')) {
      const bytes = inflated(content, at, left)
      left -= bytes.length
      files.push({ name: safeName(name), bytes })
    }
    at += 46 + nameLength + extraLength + commentLength
  }
  return files
}

function inflated(content: Buffer, at: number, maxBytes: number): Uint8Array {
  const [method, packed, local] = [content.readUInt16LE(at + 10), content.readUInt32LE(at + 20), content.readUInt32LE(at + 42)]
  const begin = local + 30 + content.readUInt16LE(local + 26) + content.readUInt16LE(local + 28)
  const data = content.subarray(begin, begin + packed)
  if (data.length !== packed) throw new Error('it is cut off')
  if (method === 8) return inflateRawSync(data, { maxOutputLength: Math.max(1, maxBytes) })
  if (method !== 0) throw new Error(`it is packed in a way (${method}) that is not supported`)
  if (data.length > maxBytes) throw Object.assign(new Error('too large'), { code: 'ERR_BUFFER_TOO_LARGE' })
  return data
}

function tarFiles(content: Buffer): readonly ArchivedFile[] {
  const files: ArchivedFile[] = []
  let longName: string | undefined
  for (let at = 0; at + 512 <= content.length && content[at] !== 0; ) {
    const text = (from: number, length: number): string => content.toString('utf8', at + from, at + from + length).replace(/\0[\s\S]*$/, '')
    const size = Number.parseInt(text(124, 12).trim() || '0', 8)
    const type = String.fromCharCode(content[at + 156]!)
    const data = content.subarray(at + 512, at + 512 + size)
    if (!Number.isSafeInteger(size) || size < 0 || data.length !== size) throw new Error('it is cut off or damaged')
    const prefix = text(257, 5) === 'ustar' ? text(345, 155) : ''
    const name = longName ?? (prefix === '' ? text(0, 100) : `${prefix}/${text(0, 100)}`)
    longName = undefined
    if (type === '0' || type === '\0') files.push({ name: safeName(name), bytes: data })
    else if (type === 'x') longName = /^\d+ path=(.*)$/m.exec(data.toString('utf8'))?.[1]
    else if (type === 'L') longName = data.toString('utf8').replace(/\0+$/, '')
    else if (type !== '5' && type !== 'g') throw new Error(`${JSON.stringify(name)} is a link or no plain file`)
    at += 512 + Math.ceil(size / 512) * 512
  }
  return files
}
