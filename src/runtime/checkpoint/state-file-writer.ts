/**
 * One state file while it is written: collects the bytes of ColumnFileWriter in blocks, hands full blocks to the file system and
 * keeps length and checksum. Runs in the task's thread; only writing and syncing happen elsewhere.
 */
import { crc32 } from 'node:zlib'
import type { ColumnSource } from '../../base/columnar/column-block.ts'
import { ColumnFileWriter, type ColumnFormat } from '../../base/columnar/column-file-writer.ts'
import type { Field } from '../../base/columnar/data-type.ts'
import type { FileWriter } from '../../base/filesystem/file-system.ts'
import type { StateFile } from './checkpoint-metadata.ts'

const blockBytes = 256 * 1024
/** Blocks on their way to the file system before whoever makes more should wait: 2 MB. */
const maxUnderWay = 8

export class StateFileWriter {
  readonly fields: readonly Field[]
  readonly #path: string
  readonly #file: Promise<FileWriter>
  readonly #columns: ColumnFileWriter
  #block = new Uint8Array(blockBytes)
  #filled = 0
  #full: Uint8Array[] = []
  /** Ends with the last block that was handed on, and fails with the first that could not be written. */
  #written: Promise<void> = Promise.resolve()
  #underWay = 0
  #hasFailed = false
  /** Blocks that were written, to be filled again. */
  readonly #free: Uint8Array<ArrayBuffer>[] = []
  #sizeBytes = 0
  #rows = 0
  #crc = 0

  /** `path` is what the metadata will say. The file need not be open yet: what is appended is kept. */
  constructor(format: ColumnFormat, fields: readonly Field[], path: string, file: Promise<FileWriter>) {
    this.fields = fields
    this.#path = path
    this.#file = file
    this.#columns = new ColumnFileWriter(format, fields, (bytes) => this.#collect(bytes))
  }

  append(columns: readonly ColumnSource[], rowCount: number): void {
    this.#columns.write(columns, rowCount)
    this.#rows += rowCount
  }

  /** Hands full blocks to the file system. What it answers, if anything, is to be awaited before more is appended. */
  flush(): Promise<void> | undefined {
    for (const block of this.#full.splice(0)) {
      this.#underWay++
      this.#written = this.#written.then(() => this.#write(block))
    }
    // Met by whoever waits for it, at the end at the latest.
    this.#written.catch(() => {})
    return this.#underWay > maxUnderWay || this.#hasFailed ? this.#written : undefined
  }

  async #write(block: Uint8Array): Promise<void> {
    try {
      await (await this.#file).write(block)
    } catch (error) {
      this.#hasFailed = true
      throw error
    }
    this.#underWay--
    if (block.length === blockBytes) this.#free.push(block as Uint8Array<ArrayBuffer>)
  }

  /** Writes the end of the file; it is durable when the promise resolves, and closed when it rejects. */
  async finish(): Promise<StateFile> {
    this.#columns.finish()
    this.#seal()
    const file = await this.#file
    try {
      this.flush()
      await this.#written
      await file.sync()
    } finally {
      await file.close()
    }
    return { path: this.#path, sizeBytes: this.#sizeBytes, rows: this.#rows, crc32: hex8(this.#crc) }
  }

  /** Closes the file as it is. */
  async close(): Promise<void> {
    const file = await this.#file
    // How writing failed is told by what was awaited of it.
    await this.#written.catch(() => {})
    await file.close()
  }

  #collect(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + blockBytes - this.#filled)
      this.#block.set(part, this.#filled)
      this.#filled += part.length
      at += part.length
      if (this.#filled === blockBytes) this.#seal()
    }
  }

  #seal(): void {
    if (this.#filled === 0) return
    const block = this.#block.subarray(0, this.#filled)
    this.#crc = crc32(block, this.#crc)
    this.#sizeBytes += block.length
    this.#full.push(block)
    this.#block = this.#free.pop() ?? new Uint8Array(blockBytes)
    this.#filled = 0
  }
}

/** A checksum as metadata says it. */
export const hex8 = (crc: number): string => (crc >>> 0).toString(16).padStart(8, '0')
