/**
 * Turns a user's program into one ES module: imports inlined, `headrace` left to whoever loads it, a source map inside
 * whose sources are the user's files, and an id that is the hash of the content. esbuild is loaded when first needed.
 */
import { createHash } from 'node:crypto'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import type { BuildResult, OutputFile } from 'esbuild'
import { StreamError } from '../core/stream-error.ts'
import { bundleError } from './bundle-error.ts'
import { locationNames, ownLocation } from './own-location.ts'

export interface ProgramBundle {
  /** 64 hex digits: the same program has the same id wherever it lies, unless it asks where it lies. */
  readonly id: string
  /** The module's text with its source map at the end. */
  readonly code: string
  /** Absolute path of the program. */
  readonly file: string
  readonly warnings: readonly string[]
}

/** Bundles the program at an absolute or relative path; throws INVALID_PROGRAM with file, line and the line's text. */
export async function bundleProgram(programPath: string): Promise<ProgramBundle> {
  const file = path.resolve(programPath)
  const folder = path.dirname(file)
  const { outputFiles, warnings } = await build(file, folder)
  const textOf = (ending: string): string => outputFiles.find((output: OutputFile) => output.path.endsWith(ending))!.text
  const code = textOf('.js')
  const map = JSON.parse(textOf('.map')) as { sources: string[] }
  const id = createHash('sha256').update(code).update(JSON.stringify(map)).digest('hex')
  map.sources = map.sources.map((source) => new URL(source, pathToFileURL(`${folder}/`)).href)
  const inline = Buffer.from(JSON.stringify(map)).toString('base64')
  return {
    id,
    code: `${code}//# sourceMappingURL=data:application/json;base64,${inline}\n`,
    file,
    warnings: warnings.map((warning) => bundleError([warning], folder).message),
  }
}

async function build(file: string, folder: string): Promise<BuildResult & { outputFiles: OutputFile[] }> {
  const { build: esbuild, stop } = await import('esbuild')
  try {
    return await esbuild({
      entryPoints: [file],
      outfile: path.join(folder, 'program.js'),
      absWorkingDir: folder,
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'node',
      target: 'node24',
      charset: 'utf8',
      external: ['headrace', 'headrace/*'],
      define: locationNames,
      plugins: [ownLocation],
      // CommonJS packages that are inlined still ask for Node's own modules with require.
      banner: {
        js: "import { createRequire as __headraceRequire } from 'node:module'; const require = __headraceRequire(import.meta.url);",
      },
      sourcemap: 'external',
      sourcesContent: false,
      logLevel: 'silent',
    })
  } catch (thrown) {
    const messages = (thrown as { errors?: unknown }).errors
    if (Array.isArray(messages) && messages.length > 0) throw bundleError(messages, folder)
    throw StreamError.from(thrown, 'INTERNAL')
  } finally {
    // esbuild's service is a process of its own; a job may run for months.
    await stop()
  }
}
