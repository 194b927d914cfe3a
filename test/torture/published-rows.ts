/**
 * What file sinks have published below a folder, as texts: a row each. Hidden files are in progress, and nobody's business.
 */
import { openArrowIpc } from '../../src/base/columnar/arrow-ipc.ts'
import type { FileSystem } from '../../src/base/filesystem/file-system.ts'
import { canonical } from '../support/reference/canonical.ts'
import { filesBelow } from '../support/sink-job.ts'

export async function publishedRows(files: FileSystem, folder: string, format: 'jsonl' | 'text' | 'csv' | 'arrow'): Promise<string[]> {
  const rows: string[] = []
  for (const path of (await filesBelow(files, folder)).visible) {
    if (format === 'arrow') rows.push(...(await arrowRows(files, path)))
    else rows.push(...textRows(await textOf(files, path), path, format))
  }
  return rows
}

async function textOf(files: FileSystem, path: string): Promise<string> {
  const file = await files.open(path)
  const bytes = await file.read(0, file.sizeBytes)
  await file.close()
  return new TextDecoder().decode(bytes)
}

function textRows(text: string, path: string, format: 'jsonl' | 'text' | 'csv'): string[] {
  if (text !== '' && !text.endsWith('\n')) return [`${path} ends in the middle of a line`]
  const lines = text.split('\n').slice(0, -1)
  if (format === 'jsonl') return lines.map((line) => canonical(JSON.parse(line)))
  // The line of names stands once in each file, which may be any number of files.
  return format === 'csv' ? lines.slice(1) : lines
}

async function arrowRows(files: FileSystem, path: string): Promise<string[]> {
  const file = await files.open(path)
  const reader = await openArrowIpc(file, path)
  const rows: string[] = []
  for (let b = 0; b < reader.batchCount!; b++) {
    const { columns, rowCount } = (await reader.readBatch(b))!
    for (let i = 0; i < rowCount; i++) {
      rows.push(
        canonical(
          Object.fromEntries(
            columns.map(({ name, values, dictionary }) => [name, dictionary === undefined ? values[i] : dictionary[values[i] as number]]),
          ),
        ),
      )
    }
  }
  await file.close()
  return rows
}
