import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { deflateRawSync, gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bundleBytes } from '../../../src/base/bundle/bundle-bytes.ts'
import { unpackArchive } from '../../../src/base/bundle/unpack-archive.ts'

let folder: string
beforeEach(() => void (folder = mkdtempSync(path.join(tmpdir(), 'headrace-archive-'))))
afterEach(() => rmSync(folder, { recursive: true }))

const mb = 1024 * 1024

function tgz(...words: readonly string[]): Uint8Array {
  execFileSync('tar', ['-czf', path.join(folder, 'a.tgz'), '-C', path.join(folder, 'in'), ...words])
  return readFileSync(path.join(folder, 'a.tgz'))
}

function write(name: string, text: string): void {
  const file = path.join(folder, 'in', name)
  mkdirSync(path.dirname(file), { recursive: true })
  writeFileSync(file, text)
}

/** A zip of one file, made by hand. */
function zip(name: string, content: Buffer, attributes = 0): Uint8Array {
  const data = deflateRawSync(content)
  const local = Buffer.alloc(30)
  local.writeUInt32LE(0x04034b50, 0)
  local.writeUInt16LE(8, 8)
  local.writeUInt32LE(data.length, 18)
  local.writeUInt16LE(name.length, 26)
  const central = Buffer.alloc(46)
  central.writeUInt32LE(0x02014b50, 0)
  central.writeUInt16LE(8, 10)
  central.writeUInt32LE(data.length, 20)
  central.writeUInt16LE(name.length, 28)
  central.writeUInt32LE(attributes, 38)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(1, 10)
  end.writeUInt32LE(30 + name.length + data.length, 16)
  return Buffer.concat([local, Buffer.from(name), data, central, Buffer.from(name), end])
}

const names = (bytes: Uint8Array) => unpackArchive(bytes, 'p.jar', mb)!.map(({ name }) => name)

describe('an archive', () => {
  it('is unpacked, with names however long', () => {
    const long = `${'deep/'.repeat(30)}file.ts`
    write('package.json', '{}')
    write(long, 'export default 1')
    expect(names(tgz('package.json', long)).sort()).toEqual([long, 'package.json'].sort())
    expect(unpackArchive(zip('a/b.ts', Buffer.from('text')), 'p.jar', mb)).toEqual([{ name: 'a/b.ts', bytes: Buffer.from('text') }])
    expect(unpackArchive(Buffer.from('export default 1'), 'p.jar', mb)).toBeUndefined()
  })

  it('is refused when a name leads out of it, or is a link', () => {
    for (const name of ['../x', '/etc/passwd', 'a/../../x', 'C:/x', 'a\\b'])
      expect(() => names(zip(name, Buffer.from('x')))).toThrow('leads out of it')
    expect(() => names(zip('link', Buffer.from('/etc/passwd'), 0xa1ff0000))).toThrow('is a link')
    write('a.ts', '')
    symlinkSync('/etc/passwd', path.join(folder, 'in', 'link'))
    expect(() => names(tgz('a.ts', 'link'))).toThrow('is a link')
  })

  it('is refused when it grows too large, or is cut off anywhere', () => {
    expect(() => names(zip('a', Buffer.alloc(2 * mb)))).toThrow('more than 1048576 bytes')
    expect(() => names(gzipSync(Buffer.alloc(2 * mb)))).toThrow('more than 1048576 bytes')
    const whole = zip('a.ts', Buffer.from('some text that is longer'))
    for (let length = 4; length < whole.length; length++) {
      expect(() => names(whole.subarray(0, length))).toThrow(expect.objectContaining({ code: 'INVALID_PROGRAM' }))
    }
  })
})

describe('a program in an archive', () => {
  it('is the module that package.json names, with what it imports', async () => {
    write('package/package.json', '{ "main": "src/program.ts" }')
    write('package/src/program.ts', "import { n } from './n.ts'\nexport const other = () => n\nexport default () => n")
    write('package/src/n.ts', 'export const n: number = 42')
    const bytes = tgz('package')
    const { url } = await bundleBytes(bytes, 'p.jar')
    expect((await import(url)).default()).toBe(42)
    const named = await bundleBytes(bytes, 'p.jar', 'other')
    expect((await import(named.url)).default()).toBe(42)
  })

  it('is refused when nothing says what to run', async () => {
    await expect(bundleBytes(zip('a.ts', Buffer.from('')), 'p.jar')).rejects.toThrow('has no package.json')
    await expect(bundleBytes(zip('package.json', Buffer.from('{}')), 'p.jar')).rejects.toThrow('without "main"')
    await expect(bundleBytes(zip('package.json', Buffer.from('{"main":"../x.ts"}')), 'p.jar')).rejects.toThrow('has no ../x.ts')
  })
})
