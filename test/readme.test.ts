import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { expect, test } from 'vitest'
import { headrace } from './front/cli/run-headrace.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const readme = readFileSync(`${root}README.md`, 'utf8')
const { scripts } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { scripts: Record<string, string> }

/** The text of the first code block in a language. */
function block(language: string, containing = ''): string {
  const blocks = [...readme.matchAll(/```(\w+)\n(.*?)```/gs)].filter(([, name, text]) => name === language && text!.includes(containing))
  expect(blocks, `README.md has no block of ${language} with '${containing}'`).not.toEqual([])
  return blocks[0]![2]!
}

test('the first program prints what the README says', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'headrace-test-'))
  try {
    const command = /npx headrace (run .*)/.exec(block('sh', 'npx headrace'))![1]!
    writeFileSync(path.join(folder, 'sales.ts'), block('ts', 'sales.ts'))
    const words = command.split(' ').map((word) => (word === 'sales.ts' ? path.join(folder, word) : word))
    const { stdout, stderr, code } = await headrace(...words)
    expect(stderr).toBe('')
    expect(stdout).toBe(block('text'))
    expect(code).toBe(0)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('the first program type-checks', () => {
  const file = `${root}test/readme-program.ts`
  const { options } = ts.parseJsonConfigFileContent(ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile).config, ts.sys, root)
  const host = ts.createCompilerHost(options)
  const read = host.readFile.bind(host)
  host.readFile = (name) => (name === file ? block('ts', 'sales.ts') : read(name))
  const exists = host.fileExists.bind(host)
  host.fileExists = (name) => name === file || exists(name)
  const program = ts.createProgram([file], options, host)
  const source = program.getSourceFile(file)
  expect(source).toBeDefined()
  expect(program.getSemanticDiagnostics(source).map((diagnostic) => ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n'))).toEqual(
    [],
  )
})

test('every npm command of the README is a script, and every script calls a file that is there', () => {
  for (const [, name] of readme.matchAll(/npm (?:run )?(start|test|lint|types|format|bench|nexmark|build)\b/g))
    expect(scripts).toHaveProperty(name!)
  for (const [name, command] of Object.entries(scripts)) {
    for (const file of command.split(' ').filter((word) => /^(?!dist\/).+\.(ts|mjs|json)$/.test(word)))
      expect(existsSync(`${root}${file}`), `${name}: ${file}`).toBe(true)
  }
})

test('every file that the README points to is there', () => {
  const links = [...readme.matchAll(/\]\(([^)#:]+)\)/g)].map(([, link]) => link!)
  expect(links.length).toBeGreaterThan(2)
  for (const link of links) expect(existsSync(`${root}${link}`), link).toBe(true)
})
