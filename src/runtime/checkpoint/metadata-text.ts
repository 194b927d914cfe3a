/**
 * The metadata file as bytes and back. Pure. The file is JSON whose last member is the crc32 of every byte before that member, so a
 * file that was cut, changed or written by something else is told apart from a whole one.
 */
import { crc32 } from 'node:zlib'
import { StreamError } from '../../base/core/stream-error.ts'
import { type CheckpointMetadata, checkpointFormat, checkpointVersion } from './checkpoint-metadata.ts'
import { corrupt, foreign } from './checkpoint-problem.ts'
import { hex8 } from './state-file-writer.ts'

const tailPattern = /,\n {2}"crc32": "([0-9a-f]{8})"\n\}\n$/
const tailLength = ',\n  "crc32": "00000000"\n}\n'.length

export function metadataBytes(metadata: CheckpointMetadata): Uint8Array {
  const { directory: _directory, format, version, ...rest } = metadata
  // These two first: they are looked at before anything else.
  const head = new TextEncoder().encode(JSON.stringify({ format, version, ...rest }, null, 2).slice(0, -2))
  const tail = new TextEncoder().encode(`,\n  "crc32": "${hex8(crc32(head))}"\n}\n`)
  const bytes = new Uint8Array(head.length + tail.length)
  bytes.set(head)
  bytes.set(tail, head.length)
  return bytes
}

/** `path` is for messages, `directory` becomes the metadata's. Throws STATE_INCOMPATIBLE, or UNSUPPORTED for a newer version. */
export function parseMetadata(bytes: Uint8Array, path: string, directory: string): CheckpointMetadata {
  if (isFlinks(bytes))
    throw foreign(
      path,
      'it is a checkpoint of Apache Flink, in a format of its own',
      'headrace restores its own checkpoints and savepoints only: start the job without one.',
    )
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
  if (!text.startsWith(`{\n  "format": "${checkpointFormat}"`))
    throw foreign(
      path,
      'it is no metadata of a headrace checkpoint',
      'Name the folder of a checkpoint or savepoint, or its _metadata.json.',
    )
  const tail = tailPattern.exec(text.slice(-tailLength))
  if (tail !== null) {
    const crc = hex8(crc32(bytes.subarray(0, bytes.length - tailLength)))
    if (crc !== tail[1]) throw corrupt(path, `its checksum is ${crc} instead of ${tail[1]}`)
  }
  checkVersion(text, path)
  if (tail === null) throw corrupt(path, 'it does not end as it should: it was cut off or changed')
  const { crc32: _crc, ...parsed } = parse(text, path) as CheckpointMetadata & { crc32: string }
  checkShape(parsed, path)
  return { ...parsed, directory }
}

/** Flink's metadata begins with this magic number. */
const isFlinks = (bytes: Uint8Array): boolean => bytes[0] === 0x49 && bytes[1] === 0x60 && bytes[2] === 0x67 && bytes[3] === 0x2d

function checkVersion(text: string, path: string): void {
  const version = Number(/^\{\n {2}"format": "[^"]*",\n {2}"version": (\d+)/.exec(text)?.[1])
  if (Number.isNaN(version)) throw corrupt(path, 'it does not say its version')
  if (version > checkpointVersion)
    throw new StreamError(
      'UNSUPPORTED',
      `cannot read ${path}: its format has version ${version}, and this headrace reads up to ${checkpointVersion}`,
      {
        hint: `It was written by a newer headrace${writtenBy(text)}: use that one or a later one.`,
        place: { file: path },
      },
    )
}

function writtenBy(text: string): string {
  const version = /"headrace": "([^"\\]{1,40})"/.exec(text)?.[1]
  return version === undefined ? '' : ` (${version})`
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw corrupt(path, (cause as Error).message, cause)
  }
}

/** What the rest of the code relies on; a wrong checksum was met before, so this is about files made by hand. */
function checkShape(metadata: CheckpointMetadata, path: string): void {
  const { checkpointId, jobId, jobName, kind, operators, completedMs } = metadata
  const isWhole =
    Number.isSafeInteger(checkpointId) &&
    typeof jobId === 'string' &&
    typeof jobName === 'string' &&
    typeof completedMs === 'number' &&
    (kind === 'checkpoint' || kind === 'savepoint') &&
    Array.isArray(operators)
  if (!isWhole) throw corrupt(path, 'it lacks what every checkpoint says')
  for (const operator of operators) {
    const { operatorId, name, parallelism, maxParallelism, subtasks, enumerator } = operator
    if (typeof operatorId !== 'string' || typeof name !== 'string') throw corrupt(path, 'an operator has no id')
    if (!(Number.isSafeInteger(parallelism) && Number.isSafeInteger(maxParallelism) && Array.isArray(subtasks)))
      throw corrupt(path, `operator '${name}' has no parallelism`)
    const tables = [...subtasks.flatMap((subtask) => subtask?.states ?? [null]), ...(enumerator === undefined ? [] : [enumerator])]
    for (const table of tables)
      if (typeof table?.name !== 'string' || !Array.isArray(table.files) || !table.files.every(isFile))
        throw corrupt(path, `a state of operator '${name}' is not described`)
  }
}

const isFile = (file: unknown): boolean => {
  const { path, sizeBytes, rows, crc32: crc } = (file ?? {}) as Record<string, unknown>
  return typeof path === 'string' && Number.isSafeInteger(sizeBytes) && Number.isSafeInteger(rows) && typeof crc === 'string'
}
