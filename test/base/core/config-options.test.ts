import { expect, test } from 'vitest'
import { type ConfigKey, checkConfig, configValue } from '../../../src/base/core/config-options.ts'
import { configTable, idleKeys, renamedKeys } from '../../../src/base/core/config-table.ts'
import { StreamError } from '../../../src/base/core/stream-error.ts'

function failure(config: Record<string, unknown>): StreamError {
  try {
    checkConfig(config)
  } catch (error) {
    if (error instanceof StreamError) return error
    throw error
  }
  throw new Error('no error')
}

test('a key that is not set has its default', () => {
  expect(configValue({}, 'execution.buffer-timeout.interval')).toBe(100)
  expect(configValue({}, 'parallelism.default')).toBe(1)
  expect(configValue({}, 'pipeline.name')).toBeUndefined()
})

test('texts are read as Flink reads them: durations in ms, sizes in bytes, enums in their own spelling', () => {
  const { config } = checkConfig({
    'execution.buffer-timeout.interval': '10 s',
    'taskmanager.memory.segment-size': '64 kb',
    'execution.codegen': 'FALSE',
    'execution.checkpointing.mode': 'at-least-once',
    'parallelism.default': ' 4 ',
    'pipeline.global-job-parameters': 'a:1, b : x:y',
    'taskmanager.memory.network.max': 'infinite',
  })
  expect(config).toEqual({
    'execution.buffer-timeout.interval': 10_000,
    'taskmanager.memory.segment-size': 65_536,
    'execution.codegen': false,
    'execution.checkpointing.mode': 'AT_LEAST_ONCE',
    'parallelism.default': 4,
    'pipeline.global-job-parameters': { a: '1', b: 'x:y' },
    'taskmanager.memory.network.max': Number.MAX_SAFE_INTEGER,
  })
})

test('reading what was read changes nothing, and JSON keeps it', () => {
  const once = checkConfig({
    'execution.buffer-timeout.interval': '-1',
    'taskmanager.memory.network.max': 'inf',
    'execution.codegen': 'true',
  }).config
  expect(checkConfig(JSON.parse(JSON.stringify(once))).config).toEqual(once)
  expect(configValue(once, 'execution.buffer-timeout.interval')).toBe(-1)
})

test('every default is a value of its own type', () => {
  for (const [key, option] of Object.entries(configTable)) {
    if (option.default !== undefined) expect(option.read(option.default), key).toEqual(option.default)
  }
})

test('an unknown key is an error that names the nearest known one', () => {
  const error = failure({ 'paralelism.default': 2 })
  expect(error.code).toBe('INVALID_CONFIG')
  expect(error.message).toBe('Unknown option paralelism.default')
  expect(error.hint).toMatch(/^Did you mean parallelism\.default\?/)
  expect(error.place.option).toBe('paralelism.default')
})

test('a key like no other, and names of Object.prototype, are unknown too', () => {
  expect(failure({ xyzzy: 1 }).hint).toContain('docs/configuration.md')
  expect(failure({ constructor: 1 }).message).toBe('Unknown option constructor')
  expect(failure({ toString: 1 }).message).toBe('Unknown option toString')
})

test('a name that Flink gave up is answered with its new one', () => {
  expect(failure({ 'state.backend': 'hashmap' }).hint).toBe('It is called state.backend.type now.')
  for (const name of Object.values(renamedKeys)) expect(Object.keys(configTable)).toContain(name)
})

test.each<[ConfigKey, unknown, RegExp]>([
  ['parallelism.default', '0', /whole number from 1 to 32768/],
  ['parallelism.default', '2.5', /whole number/],
  ['parallelism.default', Number.NaN, /whole number/],
  ['execution.buffer-timeout.interval', '10 parsecs', /a duration such as/],
  ['execution.buffer-timeout.interval', '-2', /a duration such as/],
  ['taskmanager.memory.segment-size', '-1 kb', /a size such as/],
  ['execution.codegen', 'yes', /true or false/],
  ['execution.local.mode', 'processes', /'threads' or 'inline'/],
  ['taskmanager.memory.network.fraction', '1.5', /a number from 0 to 1/],
  ['pipeline.global-job-parameters', 'a', /pairs such as/],
])('%s = %s is refused with what it expects', (key, raw, hint) => {
  const error = failure({ [key]: raw })
  expect(error.message).toContain(key)
  expect(error.hint).toMatch(hint)
})

test('keys that only a JVM needs are left out, with one warning line for all', () => {
  const { config, warnings } = checkConfig({
    'env.java.opts.all': '-Xmx4g',
    'taskmanager.memory.jvm-metaspace.size': '256m',
    'classloader.resolve-order': 'child-first',
    'parallelism.default': 2,
  })
  expect(config).toEqual({ 'parallelism.default': 2 })
  expect(warnings).toEqual([
    'Ignored, since there is no JVM here: env.java.opts.all, taskmanager.memory.jvm-metaspace.size, classloader.resolve-order',
  ])
})

test('a key that nothing acts upon yet is kept, with a warning', () => {
  const { config, warnings } = checkConfig({ 'execution.checkpointing.interval-during-backlog': '10 s', 'restart-strategy.type': 'none' })
  expect(config).toEqual({ 'execution.checkpointing.interval-during-backlog': 10_000, 'restart-strategy.type': 'none' })
  expect(warnings).toEqual([
    'Without effect in this version, which runs jobs on one machine: execution.checkpointing.interval-during-backlog',
  ])
})

test('each family of keys without effect has a key in the table', () => {
  for (const family of idleKeys)
    expect(
      Object.keys(configTable).some((key) => family.test(key)),
      String(family),
    ).toBe(true)
})

test('families with a name of the user in them are taken as they are', () => {
  expect(checkConfig({ 'metrics.reporter.prom.interval': '5 s' }).config).toEqual({ 'metrics.reporter.prom.interval': '5 s' })
})
