import { expect, test } from 'vitest'
import { ManualClock } from '../../../src/base/core/clock.ts'
import type { PollResult, SourceReader } from '../../../src/program/function/source.ts'
import { SourceInput } from '../../../src/runtime/task/source-input.ts'

function inputOf(answers: PollResult[]): { readonly input: SourceInput; readonly wakes: () => number } {
  let wakes = 0
  const reader: SourceReader<unknown, unknown> = {
    start() {},
    pollNext: () => answers.shift()!,
    isAvailable: () => new Promise(() => {}),
    addSplits() {},
    notifyNoMoreSplits() {},
    snapshotState: () => [],
    close() {},
  }
  const input = new SourceInput({
    reader,
    strategy: undefined,
    name: 'test',
    clock: new ManualClock(),
    onAvailable: () => wakes++,
    onFailure() {},
  })
  return { input, wakes: () => wakes }
}

test('a reader that says more without emitting is asked again at once', () => {
  const { input, wakes } = inputOf(['more', 'more', 'nothing'])
  expect(input.poll()).toBeUndefined()
  expect(input.poll()).toBeUndefined()
  expect(wakes()).toBe(2)
})

test('a reader that says nothing is asked when it is available', () => {
  const { input, wakes } = inputOf(['nothing'])
  expect(input.poll()).toBeUndefined()
  expect(wakes()).toBe(0)
})
