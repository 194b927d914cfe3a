import { expect, test } from 'vitest'
import { bannedWordsIn } from './banned-words.ts'

const words = (text: string, path = 'runtime/task/pump.ts') => bannedWordsIn(path, text).map((hit) => hit.word)

test.each([
  ['const t = Date.now()', 'Date.now'],
  ['const t = new Date()', 'new Date()'],
  ['const r = Math.random()', 'Math.random'],
  ['const t = performance.now()', 'performance'],
  ['setTimeout(() => {}, 1)', 'setTimeout'],
  ['const later = setImmediate', 'setImmediate'],
  ['globalThis.setTimeout(f)', 'globalThis.setTimeout'],
  ['const e = process.env', 'process.env'],
  ['process.nextTick(f)', 'process.nextTick'],
  ["import { randomUUID } from 'node:crypto'", 'node:crypto randomUUID'],
  ["import * as c from 'node:crypto'", 'node:crypto'],
  ['crypto.getRandomValues(a)', 'crypto'],
  ["import { MessageChannel } from 'node:worker_threads'", 'node:worker_threads'],
  ['function f(port: MessagePort) {}', 'MessagePort'],
  ["import { setTimeout as wait } from 'node:timers/promises'", 'node:timers/promises'],
  ['const source = `let t = Date.now()`', 'Date.now'],
])('finds the word in %s', (text, word) => {
  expect(words(text)).toContain(word)
})

test.each([
  ['// Date.now() and process.env in a comment'],
  ['new Date(row.time).toISOString()'],
  ['const window = { process: (key: string) => key }; window.process("a")'],
  ['function run(process: (a: number) => void) { process.call(undefined, 1) }'],
  ["import { createHash } from 'node:crypto'"],
  ['clock.setTimeout(1)'],
  ['const text = "the process ran"'],
])('leaves alone %s', (text) => {
  expect(words(text)).toEqual([])
})

test('tells the line', () => {
  expect(bannedWordsIn('cluster/taskmanager/x.ts', '\n\nMath.random()\n')).toEqual([{ line: 3, word: 'Math.random' }])
})

test('base and front may read the machine', () => {
  expect(words('Date.now()', 'base/core/system-clock.ts')).toEqual([])
  expect(words('Date.now()', 'front/cli/main.ts')).toEqual([])
})
