import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { bundleProgram } from '../../../src/base/bundle/bundle-program.ts'

const programs = fileURLToPath(new URL('../../fixtures/programs/', import.meta.url))
const runner = fileURLToPath(new URL('./load-in-process.ts', import.meta.url))

function run(program: string, ...args: string[]): Record<string, any> {
  return JSON.parse(execFileSync(process.execPath, [runner, `${programs}${program}`, ...args], { encoding: 'utf8' }))
}

test.each([[[]], [['worker']]])('a stack names the lines of the TypeScript files (%j)', (args: string[]) => {
  const { message, stack } = run('throws.ts', ...args)
  expect(message).toBe('boom at Aix')
  expect(stack).toContain(`at boom (${programs}lib/boom.ts:6:9)`)
  expect(stack).toContain(`${programs}throws.ts:8:3`)
})

test('a syntax error tells file, line and column and shows the line', () => {
  const { code, message } = run('syntax-error.ts')
  expect(code).toBe('INVALID_PROGRAM')
  expect(message.split('\n')).toEqual([`${programs}syntax-error.ts:3:1: Unexpected "}"`, '  3 | }', '    | ^'])
})

test('a package that is not installed is named with the command that installs it', () => {
  const { code, message, hint } = run('missing-import.ts')
  expect(code).toBe('INVALID_PROGRAM')
  expect(message.split('\n')[0]).toBe(`${programs}missing-import.ts:1:23: Could not resolve "@acme/parser/fast"`)
  expect(hint).toBe('Install it where the program is: npm install @acme/parser')
})

test('a module still knows where it came from', () => {
  const { result } = run('where-am-i.ts')
  expect(result).toEqual({
    url: pathToFileURL(`${programs}where-am-i.ts`).href,
    dirname: programs.slice(0, -1),
    lib: { filename: `${programs}lib/here.ts` },
    path: path.sep,
  })
})

test('CommonJS modules are inlined and reach the modules of Node', () => {
  expect(run('uses-commonjs.ts').result).toBe('old-style.cjs')
})

test('what the top level throws is told with the stack of the TypeScript file', () => {
  const { code, message, cause } = run('top-level-throw.ts')
  expect(code).toBe('INVALID_PROGRAM')
  expect(message).toBe(`${programs}top-level-throw.ts failed while it was loaded: TypeError: no rows: 0`)
  expect(cause).toContain(`${programs}top-level-throw.ts:3:7`)
})

test('a default export that is no function is refused', () => {
  expect(run('exports-object.ts').message).toBe(`${programs}exports-object.ts: the default export is an object, not a function`)
})

test('a name that headrace does not export is named', () => {
  expect(run('unknown-export.ts').message).toBe(`${programs}unknown-export.ts: headrace has no export 'tumblingg'`)
})

test('the id is that of the content: the same wherever the program lies, another when it changes', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'headrace-test-'))
  try {
    cpSync(programs, folder, { recursive: true })
    const here = await bundleProgram(`${programs}throws.ts`)
    const there = await bundleProgram(path.join(folder, 'throws.ts'))
    expect(there.id).toBe(here.id)
    expect(here.id).toMatch(/^[0-9a-f]{64}$/)
    expect((await bundleProgram(`${programs}uses-commonjs.ts`)).id).not.toBe(here.id)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('headrace stays outside, everything else is inside', async () => {
  const { code } = await bundleProgram(`${programs}throws.ts`)
  expect(code.match(/^import .*$/gm)).toEqual([expect.stringContaining('node:module'), expect.stringContaining('"headrace"')])
})
