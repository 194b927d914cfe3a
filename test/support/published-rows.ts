/**
 * What a file sink has published in a folder of JSON lines.
 */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

/** In no order. Throws where a file is there that is no part. */
export function publishedRows<Row>(folder: string): readonly Row[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).flatMap((file) => {
    if (!path.basename(file).startsWith('part-')) throw new Error(`${file} in ${folder} is not published`)
    const text = readFileSync(path.join(folder, file), 'utf8').trimEnd()
    return text === '' ? [] : text.split('\n').map((line) => JSON.parse(line) as Row)
  })
}
