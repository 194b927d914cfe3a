/**
 * The bytes of a file from a position on, block after block, decompressed where the name says so. One block is read
 * ahead. A position in a compressed file counts decompressed bytes: what lies before it is decompressed and skipped.
 */
import { StreamError } from '../../base/core/stream-error.ts'
import type { FileReader, FileSystem } from '../../base/filesystem/file-system.ts'

export type Compression = 'none' | 'gzip' | 'deflate' | 'brotli' | 'zstd'

const blockBytes = 1 << 20

const extensions: Readonly<Record<string, Compression | 'unknown'>> = {
  gz: 'gzip',
  gzip: 'gzip',
  deflate: 'deflate',
  br: 'brotli',
  zst: 'zstd',
  zstd: 'zstd',
  bz2: 'unknown',
  xz: 'unknown',
  lz4: 'unknown',
  zip: 'unknown',
  '7z': 'unknown',
}

export function compressionOf(path: string): Compression {
  const extension = path.slice(path.lastIndexOf('.') + 1).toLowerCase()
  const compression = Object.hasOwn(extensions, extension) ? extensions[extension] : 'none'
  if (compression !== 'unknown' && compression !== undefined) return compression
  throw new StreamError('UNSUPPORTED', `cannot read ${path}: files compressed as .${extension} are not supported`, {
    hint: 'Decompress it, or compress it as .gz or .zst.',
    place: { file: path },
  })
}

export class ByteStream {
  readonly #file: FileReader
  readonly #blocks: AsyncIterator<Uint8Array>
  #ahead: Promise<IteratorResult<Uint8Array>> | undefined

  private constructor(file: FileReader, blocks: AsyncIterator<Uint8Array>) {
    this.#file = file
    this.#blocks = blocks
  }

  static async open(fileSystem: FileSystem, path: string, compression: Compression, from: number): Promise<ByteStream> {
    const file = await fileSystem.open(path)
    try {
      const blocks = compression === 'none' ? plainBlocks(file, from) : skipBytes(await decompressedBlocks(file, path, compression), from)
      return new ByteStream(file, blocks)
    } catch (error) {
      await file.close()
      throw error
    }
  }

  /** The next block, never empty; undefined at the end. */
  async next(): Promise<Uint8Array | undefined> {
    const result = await (this.#ahead ?? this.#blocks.next())
    this.#ahead = undefined
    if (result.done === true) return undefined
    this.#ahead = this.#blocks.next()
    // Its failure is seen by the next call of next(), if there is one.
    this.#ahead.catch(() => {})
    return result.value
  }

  async close(): Promise<void> {
    // A read that was begun ends before its file is closed; nobody needs its outcome any more.
    await this.#ahead?.catch(() => {})
    await this.#blocks.return?.()
    await this.#file.close()
  }
}

async function* plainBlocks(file: FileReader, from: number): AsyncGenerator<Uint8Array, void> {
  for (let position = from; ; ) {
    const block = await file.read(position, blockBytes)
    if (block.length === 0) return
    position += block.length
    yield block
  }
}

async function decompressedBlocks(
  file: FileReader,
  path: string,
  compression: Exclude<Compression, 'none'>,
): Promise<AsyncGenerator<Uint8Array, void>> {
  const [zlib, { pipeline, Readable }] = await Promise.all([import('node:zlib'), import('node:stream')])
  const options = { chunkSize: blockBytes }
  const inflate = {
    gzip: () => zlib.createGunzip(options),
    deflate: () => zlib.createInflate(options),
    brotli: () => zlib.createBrotliDecompress(options),
    zstd: () => zlib.createZstdDecompress(options),
  }[compression]()
  let failure: unknown
  pipeline(Readable.from(plainBlocks(file, 0)), inflate, (error) => void (failure = error ?? undefined))
  async function* blocks(): AsyncGenerator<Uint8Array, void> {
    try {
      for await (const block of inflate) if (block.length > 0) yield block
    } catch (error) {
      throw decompressionError(failure ?? error, path, compression)
    }
  }
  return blocks()
}

function decompressionError(error: unknown, path: string, compression: string): StreamError {
  if (error instanceof StreamError) return error
  return new StreamError('MALFORMED_INPUT', `cannot decompress ${path} as ${compression}: ${(error as Error).message}`, {
    hint: 'The file is cut short or not what its extension says: fetch it again, or rename it.',
    place: { file: path },
    cause: error,
  })
}

async function* skipBytes(blocks: AsyncGenerator<Uint8Array, void>, count: number): AsyncGenerator<Uint8Array, void> {
  let left = count
  for await (const block of blocks) {
    if (block.length > left) yield left === 0 ? block : block.subarray(left)
    left = Math.max(0, left - block.length)
  }
}
