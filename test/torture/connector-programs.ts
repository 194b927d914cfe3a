/**
 * Every source that headrace has, and every sink that publishes exactly once. What a sink has published is read from its files, those in
 * progress left aside.
 */
import { tableFromJSON, tableToIPC } from 'apache-arrow'
import { parquetWriteBuffer } from 'hyparquet-writer'
import type { FileSystem } from '../../src/base/filesystem/file-system.ts'
import { tumbling } from '../../src/program/api/windows.ts'
import { arrowIpc } from '../../src/program/connector/arrow-format.ts'
import { arrowSink } from '../../src/program/connector/arrow-sink.ts'
import { collection } from '../../src/program/connector/collection.ts'
import { csv } from '../../src/program/connector/csv.ts'
import { csvSink } from '../../src/program/connector/csv-sink.ts'
import type { FileFormat } from '../../src/program/connector/file-format.ts'
import { fileSource } from '../../src/program/connector/file-source.ts'
import { generator } from '../../src/program/connector/generator.ts'
import { jsonLines } from '../../src/program/connector/json-lines.ts'
import { jsonLinesSink } from '../../src/program/connector/json-lines-sink.ts'
import { parquet } from '../../src/program/connector/parquet.ts'
import { sequence } from '../../src/program/connector/sequence.ts'
import { textLines } from '../../src/program/connector/text-lines.ts'
import { textSink } from '../../src/program/connector/text-sink.ts'
import { count, sum } from '../../src/program/function/aggregate.ts'
import type { Sink } from '../../src/program/function/sink.ts'
import type { Source } from '../../src/program/function/source.ts'
import { publishedRows } from './published-rows.ts'
import type { Stage, TortureProgram } from './stage.ts'
import type { Row } from './torture-source.ts'

type Build = TortureProgram['build']

/** Each record once, in whatever order; functions take time, so that the job lasts. */
const readingOnce =
  (sourceOf: (stage: Stage) => Source<any, any, any>): Build =>
  (s) =>
    s.env.fromSource(sourceOf(s), { name: 'in' }).map((row) => s.hurt(typeof row === 'object' ? { ...row } : row))

const fileRow = (file: number, i: number) => ({ id: file * 1_000 + i, name: i % 7 === 0 ? 'a "b", ü' : `n${i % 5}`, half: i / 2 })
const rowsOf = (file: number) => Array.from({ length: 150 + file * 60 }, (_, i) => fileRow(file, i))

function files(
  format: () => FileFormat<any>,
  suffix: string,
  bytesOf: (rows: ReturnType<typeof rowsOf>) => Uint8Array | string,
  splitBytes?: number,
): TortureProgram {
  return {
    build: readingOnce(({ folder }) => fileSource<any>({ path: `${folder}/in/`, format: format(), ...(splitBytes && { splitBytes }) })),
    async inputs(disk, folder) {
      for (const file of [0, 1, 2, 3]) {
        const bytes = bytesOf(rowsOf(file))
        const writer = await disk.create(`${folder}/${file}${suffix}`)
        await writer.write(typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes)
        await writer.close()
      }
    },
  }
}

const csvText = (rows: ReturnType<typeof rowsOf>) =>
  `id,name,half\n${rows.map(({ id, name, half }) => `${id},"${name.replaceAll('"', '""')}",${half}\n`).join('')}`

const parquetBytes = (rows: ReturnType<typeof rowsOf>) =>
  new Uint8Array(
    parquetWriteBuffer({
      columnData: [
        { name: 'id', data: rows.map(({ id }) => id), type: 'INT32' },
        { name: 'name', data: rows.map(({ name }) => name), type: 'STRING' },
      ],
      rowGroupSize: 40,
    }),
  )

const sources: Readonly<Record<string, Build | TortureProgram>> = {
  'a collection': readingOnce(() => collection(rowsOf(9))),
  'a sequence': readingOnce(() => sequence(1, 700)),
  'a generator': readingOnce(() => generator((i) => ({ i, half: i / 2 }), { count: 700 })),
  'a generator with a rate': readingOnce(() => generator((i) => ({ i }), { count: 400, ratePerSecond: 4_000 })),
  'text files': files(
    () => textLines(),
    '.txt',
    (rows) => rows.map(({ name, id }) => `${id} ${name}\n`).join(''),
    400,
  ),
  'CSV files': files(() => csv(), '.csv', csvText),
  'JSON lines files': files(
    () => jsonLines(),
    '.jsonl',
    (rows) => rows.map((row) => `${JSON.stringify(row)}\n`).join(''),
    700,
  ),
  'Parquet files': files(() => parquet(), '.parquet', parquetBytes),
  'Arrow files': files(
    () => arrowIpc(),
    '.arrow',
    (rows) => tableToIPC(tableFromJSON(rows), 'file'),
  ),
}

interface FileSinkCase {
  readonly sink: (path: string) => Sink<any, any, any>
  readonly read: 'jsonl' | 'text' | 'csv' | 'arrow'
}

const fileSinks: Readonly<Record<string, FileSinkCase>> = {
  'a folder of JSON lines': { sink: (path) => jsonLinesSink<any>({ path: `${path}/` }), read: 'jsonl' },
  'a folder of JSON lines that rolls by size': {
    sink: (path) => jsonLinesSink<any>({ path: `${path}/`, rolling: { sizeBytes: 300 } }),
    read: 'jsonl',
  },
  'a folder of text in buckets': {
    sink: (path) => textSink<any>({ path: `${path}/`, format: (row) => `${row.id}`, bucketBy: (row: any) => `rest=${row.id % 3}` }),
    read: 'text',
  },
  'a folder of CSV': { sink: (path) => csvSink<any>({ path: `${path}/`, rolling: { onCheckpoint: true }, suffix: '.csv' }), read: 'csv' },
  'a folder of Arrow files': { sink: (path) => arrowSink<any>({ path: `${path}/`, suffix: '.arrow' }), read: 'arrow' },
  'one file of JSON lines': { sink: (path) => jsonLinesSink<any>({ path: `${path}/all.jsonl` }), read: 'jsonl' },
  'one file of text': { sink: (path) => textSink<any>({ path: `${path}/all.txt`, format: (row) => `${row.id}` }), read: 'text' },
  'one CSV file': { sink: (path) => csvSink<any>({ path: `${path}/all.csv` }), read: 'csv' },
  'one Arrow file': { sink: (path) => arrowSink<any>({ path: `${path}/all.arrow` }), read: 'arrow' },
}

const sinks: Readonly<Record<string, TortureProgram>> = Object.fromEntries(
  Object.entries(fileSinks).map(([name, { sink, read }]) => [
    name,
    {
      build: (s: Stage) =>
        void s
          .rows()
          .map(({ id, v, w }: Row) => s.hurt({ id, v, w }))
          .sinkTo(sink(`${s.folder}/out`)),
      outputs: (files: FileSystem, folder: string) => publishedRows(files, folder, read),
    },
  ]),
)

const fromFilesToFiles: TortureProgram = {
  ...files(() => csv(), '.csv', csvText),
  build: (s) =>
    void s.env
      .fromSource(fileSource<any>({ path: `${s.folder}/in/`, format: csv() }), { name: 'in', watermarks: undefined })
      .map((row: any) => s.hurt({ ...row, key: row.id % 5 }))
      .keyBy('key')
      .countWindow(1)
      .aggregate({ n: count(), total: sum('id') })
      .sinkTo(jsonLinesSink<any>({ path: `${s.folder}/out/` })),
  outputs: (disk, folder) => publishedRows(disk, folder, 'jsonl'),
}

const windowsToFiles: TortureProgram = {
  build: (s) =>
    void s
      .rows()
      .keyBy('key')
      .window(tumbling(100))
      .aggregate({ n: count(), total: sum('v') })
      .sinkTo(csvSink<any>({ path: `${s.folder}/out/` })),
  outputs: (disk, folder) => publishedRows(disk, folder, 'csv'),
}

export const connectorPrograms: Readonly<Record<string, Build | TortureProgram>> = {
  ...sources,
  ...sinks,
  'from files to files': fromFilesToFiles,
  'windows into files': windowsToFiles,
}
