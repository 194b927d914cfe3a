/**
 * The parts of hyparquet that read columns without making rows, loaded when the first Parquet file is opened: a task
 * thread that reads none does not pay for them. Decompression is Node's own where Node has it.
 */
import type { Compressors } from 'hyparquet'

export type Hyparquet = Awaited<ReturnType<typeof load>>

let loaded: Promise<Hyparquet> | undefined

export function loadHyparquet(): Promise<Hyparquet> {
  loaded ??= load()
  return loaded
}

async function load() {
  const [main, column, page, delta, encoding, schema, others, zlib] = await Promise.all([
    import('hyparquet'),
    import('hyparquet/src/column.js'),
    import('hyparquet/src/datapage.js'),
    import('hyparquet/src/delta.js'),
    import('hyparquet/src/encoding.js'),
    import('hyparquet/src/schema.js'),
    import('hyparquet-compressors'),
    import('node:zlib'),
  ])
  const compressors: Compressors = {
    ...others.compressors,
    ZSTD: (bytes) => zlib.zstdDecompressSync(bytes),
    GZIP: (bytes) => zlib.gunzipSync(bytes),
    BROTLI: (bytes) => zlib.brotliDecompressSync(bytes),
  }
  return {
    compressors,
    parquetMetadataAsync: main.parquetMetadataAsync,
    parquetSchema: main.parquetSchema,
    parquetRead: main.parquetRead,
    parquetHeader: column.parquetHeader,
    decompressPage: page.decompressPage,
    deltaBinaryUnpack: delta.deltaBinaryUnpack,
    deltaLengthByteArray: delta.deltaLengthByteArray,
    deltaByteArray: delta.deltaByteArray,
    byteStreamSplit: encoding.byteStreamSplit,
    getTreePath: schema.getTreePath,
    isFlatColumn: schema.isFlatColumn,
  }
}
