import { expect, test } from 'vitest'
import { StreamError } from '../../../src/base/core/stream-error.ts'
import { errorText } from '../../../src/front/cli/error-text.ts'
import { UsageError } from '../../../src/front/cli/parse-options.ts'

const options = { verbose: false, ownFolder: '/opt/headrace/' }

function thrown(message: string): Error {
  const error = new Error(message)
  error.stack = [
    `Error: ${message}`,
    '    at parse (/home/me/lib/parse.ts:3:9)',
    '    at /home/me/program.ts:12:5',
    '    at step (/opt/headrace/dist/task-thread.js:1:1)',
    '    at process.processTicksAndRejections (node:internal/process/task_queues:104:5)',
  ].join('\n')
  return error
}

test('a failed user function: what happened, where, what to do, and the frames of the user', () => {
  const error = new StreamError('USER_FUNCTION_FAILED', "Operator 'parse' failed: bad date", {
    hint: 'Catch it in the function.',
    place: { operator: 'parse', subtask: 1, record: 'record 1,204 of split 3' },
    cause: thrown('bad date'),
  })
  expect(errorText(error, options).split('\n')).toEqual([
    "headrace: Operator 'parse' failed: bad date",
    '  Catch it in the function.',
    '  at subtask 1, record 1,204 of split 3',
    '    at parse (/home/me/lib/parse.ts:3:9)',
    '    at /home/me/program.ts:12:5',
  ])
})

test('a cause that the message does not tell is told', () => {
  const text = errorText(new StreamError('IO_FAILED', 'Reading a.csv failed', { cause: thrown('EIO') }), options)
  expect(text).toContain('headrace: Reading a.csv failed\n  caused by Error: EIO\n    at parse (')
})

test('an error of usage or configuration has no stack', () => {
  expect(errorText(new UsageError('Unknown option --x', 'Did you mean --y?'), options)).toBe(
    'headrace: Unknown option --x\n  Did you mean --y?',
  )
  expect(errorText(new StreamError('INVALID_CONFIG', 'Unknown option x.y'), options)).toBe('headrace: Unknown option x.y')
})

test('--verbose keeps every frame, and so does a bug of ours its own', () => {
  const error = new StreamError('USER_FUNCTION_FAILED', 'bad date', { cause: thrown('bad date') })
  expect(errorText(error, { ...options, verbose: true }).split('\n')).toHaveLength(5)
  expect(errorText(new StreamError('INTERNAL', 'headrace bug: x', { cause: thrown('x') }), options).split('\n')).toHaveLength(5)
})

test('what was thrown and is no error is still told', () => {
  expect(errorText('just text', options)).toBe('headrace: thrown: just text')
  expect(errorText(undefined, options)).toBe('headrace: thrown: undefined')
})

test('frames of what headrace is built on are not the user’s either, wherever npm put it', () => {
  const cause = thrown('bad footer')
  cause.stack += [
    '',
    '    at parquetMetadata (file:///home/me/node_modules/hyparquet/src/metadata.js:52:11)',
    '    at ThreadPool.onWorkerExit (/home/me/node_modules/piscina/dist/index.js:224:29)',
    '    at helper (/home/me/node_modules/left-pad/index.js:1:1)',
  ].join('\n')
  const text = errorText(new StreamError('IO_FAILED', 'bad footer', { cause }), options)
  expect(text).not.toMatch(/hyparquet|piscina/)
  expect(text).toContain('at helper (/home/me/node_modules/left-pad/index.js:1:1)')
})
