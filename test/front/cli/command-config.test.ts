import { expect, test } from 'vitest'
import { commandConfig } from '../../../src/front/cli/command-config.ts'
import { commands } from '../../../src/front/cli/help.ts'
import { parseOptions } from '../../../src/front/cli/parse-options.ts'

const configOf = (...words: string[]) =>
  commandConfig(parseOptions(words, commands.find(({ name }) => name === 'run')!.options), 'a.ts').config

test('--checkpoints takes one every ten seconds and keeps the last', () => {
  expect(configOf('a.ts', '--checkpoints', 'state')).toMatchObject({
    'execution.checkpointing.dir': 'state',
    'execution.checkpointing.interval': 10_000,
    'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION',
  })
  expect(configOf('a.ts')).not.toHaveProperty(['execution.checkpointing.interval'])
})

test('-D goes over what --checkpoints sets', () => {
  expect(configOf('a.ts', '-D', 'execution.checkpointing.interval=1s', '--checkpoints', 'state')).toMatchObject({
    'execution.checkpointing.interval': 1000,
  })
})

test('--from names a snapshot, and latest needs a folder to look in', () => {
  expect(configOf('a.ts', '--from', 'state/x/chk-3')).toMatchObject({ 'execution.state-recovery.path': 'state/x/chk-3' })
  expect(configOf('a.ts', '--from', 'latest', '--checkpoints', 'state')).toMatchObject({ 'execution.state-recovery.path': 'latest' })
  expect(() => configOf('a.ts', '--from', 'latest')).toThrow('--from latest needs the folder of the checkpoints')
})
