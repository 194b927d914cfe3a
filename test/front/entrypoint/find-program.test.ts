import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { StreamError } from '../../../src/base/core/stream-error.ts'
import { findProgram } from '../../../src/front/entrypoint/find-program.ts'

let folder: string

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'headrace-test-'))
  mkdirSync(path.join(folder, 'jobs.ts'))
  mkdirSync(path.join(folder, 'empty'))
  for (const name of ['flights.ts', 'weather.mjs', 'types.d.ts', 'job.jar', 'data.parquet', 'Makefile', 'jobs.ts/inner.ts'])
    writeFileSync(path.join(folder, name), '')
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

function failure(name: string): { code: string; message: string; hint: string | undefined } {
  try {
    findProgram(name.startsWith('/') ? name : path.join(folder, name))
  } catch (error) {
    if (error instanceof StreamError)
      return { code: error.code, message: error.message.replaceAll(folder, 'F'), hint: error.hint?.replaceAll(folder, 'F') }
    throw error
  }
  throw new Error('no error')
}

test('a TypeScript or JavaScript file is found, and its path is absolute', () => {
  expect(findProgram(path.join(folder, 'flights.ts'))).toBe(path.join(folder, 'flights.ts'))
  expect(findProgram(path.relative(process.cwd(), path.join(folder, 'weather.mjs')))).toBe(path.join(folder, 'weather.mjs'))
})

test('a mistyped name is answered with the nearest program of the folder', () => {
  expect(failure('flihgts.ts')).toEqual({
    code: 'FILE_NOT_FOUND',
    message: 'F/flihgts.ts: there is no such file',
    hint: 'Did you mean F/flights.ts?',
  })
})

test('a name without its ending is answered with the one that has it', () => {
  expect(failure('weather').hint).toBe('Did you mean F/weather.mjs?')
})

test('a name like no other is answered with what the folder has', () => {
  expect(failure('xyzzyplugh.ts').hint).toBe('The folder has: flights.ts, weather.mjs')
})

test('a folder that does not exist is named', () => {
  expect(failure('nowhere/a.ts').message).toBe('F/nowhere/a.ts: there is no folder F/nowhere')
})

test('a folder is no program; the programs in it are named', () => {
  expect(failure('jobs.ts')).toEqual({
    code: 'INVALID_PROGRAM',
    message: 'F/jobs.ts is a folder, not a program',
    hint: 'Name the program in it: F/jobs.ts/inner.ts',
  })
  expect(failure('empty').hint).toBe('There is no program in it.')
})

test('a jar is answered with what to do instead', () => {
  const { code, message, hint } = failure('job.jar')
  expect(code).toBe('INVALID_PROGRAM')
  expect(message).toBe('F/job.jar is a program for the JVM; headrace runs TypeScript and JavaScript')
  expect(hint).toContain('export default (env) =>')
})

test('data and files without an ending are no programs', () => {
  expect(failure('data.parquet').message).toContain('.parquet is none of .ts')
  expect(failure('Makefile').message).toContain('its name has no ending')
})
