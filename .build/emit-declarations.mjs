/**
 * Writes the type declarations of the public API: those of its entries and of whatever they name, file by file, so that the
 * package declares what users can reach and nothing of the inside.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import ts from 'typescript'

const entries = ['src/index.ts', 'src/front/testing/harness.ts']

/** Throws when a declaration cannot be written. Types are checked by `npm run types`, not here. */
export function emitDeclarations(root, out) {
  const { config } = ts.readConfigFile(path.join(root, 'tsconfig.json'), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: entries }, ts.sys, root)
  const source = path.join(root, 'src')
  const program = ts.createProgram(
    entries.map((entry) => path.join(root, entry)),
    {
      ...options,
      noEmit: false,
      declaration: true,
      emitDeclarationOnly: true,
      rootDir: source,
      outDir: out,
      noCheck: true,
    },
  )
  const waiting = entries.map((entry) => path.join(root, entry))
  const seen = new Set(waiting)
  for (const file of waiting) {
    const { diagnostics } = program.emit(
      program.getSourceFile(file),
      (name, text) => {
        mkdirSync(path.dirname(name), { recursive: true })
        writeFileSync(name, text)
        for (const imported of importsOf(file, text)) {
          if (!seen.has(imported)) waiting.push(imported)
          seen.add(imported)
        }
      },
      undefined,
      true,
    )
    if (diagnostics.length > 0) throw new Error(ts.formatDiagnostics(diagnostics, ts.createCompilerHost(options)))
  }
  return seen.size
}

/** Our own source files that a declaration names, with `from` or `import()`. */
function importsOf(file, declaration) {
  const { importedFiles } = ts.preProcessFile(declaration, true, true)
  return importedFiles.filter(({ fileName }) => fileName.startsWith('.')).map(({ fileName }) => path.resolve(path.dirname(file), fileName))
}
