/** Runs every program of the pages in docs/ and compares what it prints and writes with what the page says. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { type ProgramRun, runProgram } from '../support/run-program.ts'
import { type PageProgram, pageOf, pages, programsOf } from './page-programs.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const home = process.cwd()
// One folder for all: esbuild's service runs in the one it was started in.
const folder = mkdtempSync(path.join(tmpdir(), 'headrace-test-'))

beforeEach(() => {
  process.chdir(folder)
  return () => {
    process.chdir(home)
    for (const name of ['in', 'out']) rmSync(path.join(folder, name), { recursive: true, force: true })
  }
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

function run({ code, inputs }: PageProgram): Promise<ProgramRun> {
  for (const [name, content] of inputs) {
    mkdirSync(path.dirname(name), { recursive: true })
    writeFileSync(name, content)
  }
  return runProgram(code, { mode: 'inline', args: {} })
}

describe.each(pages)('%s', (page) => {
  const programs = programsOf(page)

  test('has programs', () => {
    expect(programs.length).toBeGreaterThan(0)
    expect(programs.length).toBe(pageOf(page).match(/^```ts( fails)?$/gm)!.length)
  })

  for (const [index, program] of programs.entries()) {
    test(`the program ${index + 1}, under "${program.title}", does what the page says`, async () => {
      if (program.fails) {
        const error = await run(program).then(
          () => undefined,
          (thrown: Error) => thrown,
        )
        expect(`headrace: ${error?.message}`).toBe(program.text!.split('\n')[0])
        return
      }
      const { lines } = await run(program)
      expect(lines.join('\n')).toBe((program.text ?? '').trim())
      for (const [name, content] of program.outputs) expect(readFileSync(name, 'utf8')).toBe(content)
    })
  }

  test('links lead to pages that are there', () => {
    for (const [, link] of pageOf(page).matchAll(/\]\(([^)#:]+)/g)) expect(existsSync(`${root}docs/${link}`), link).toBe(true)
  })
})

test('all programs of all pages type-check', { timeout: 120_000 }, () => {
  const programs = [...pages, 'windows', 'testing'].flatMap((page) =>
    programsOf(page).map(({ code }, i) => [`${root}docs/${page}-${i}.ts`, code] as const),
  )
  const texts = new Map<string, string>(programs)
  const { options } = ts.parseJsonConfigFileContent(ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile).config, ts.sys, root)
  const host = ts.createCompilerHost(options)
  const [readFile, fileExists] = [host.readFile.bind(host), host.fileExists.bind(host)]
  host.readFile = (name) => texts.get(name) ?? readFile(name)
  host.fileExists = (name) => texts.has(name) || fileExists(name)
  const compiled = ts.createProgram([...texts.keys()], options, host)
  const found = [...texts.keys()].flatMap((name) =>
    compiled
      .getSemanticDiagnostics(compiled.getSourceFile(name))
      .map(({ messageText }) => `${path.basename(name)}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`),
  )
  expect(texts.size).toBeGreaterThan(25)
  expect(found).toEqual([])
})
