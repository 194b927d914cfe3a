import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../src/base/core/clock.ts'
import { collectSink } from '../../../src/program/connector/collect-sink.ts'
import { discardSink } from '../../../src/program/connector/discard-sink.ts'
import { printSink } from '../../../src/program/connector/print-sink.ts'
import { testContext } from '../../support/test-context.ts'

const writeContext = { timestamp: null, currentWatermark: 0 }

describe('printSink', () => {
  const lineOf = async (prefix: string | undefined, parallelism: number, value: unknown) => {
    const ctx = testContext({ subtaskIndex: parallelism - 1, parallelism })
    const writer = await printSink(prefix).createWriter(ctx)
    await writer.write(value, writeContext)
    return ctx.printed[0]?.line
  }

  it('puts id and subtask before the value, the subtask from 1 and only when there are several', async () => {
    expect(await lineOf('id', 3, 'x')).toBe('id:3> x')
    expect(await lineOf(undefined, 3, 'x')).toBe('3> x')
    expect(await lineOf('id', 1, 'x')).toBe('id> x')
    expect(await lineOf(undefined, 1, 'x')).toBe('x')
  })

  it('shows any value in one line', async () => {
    const value = {
      id: 1,
      name: 'a\nb',
      tags: Array.from({ length: 30 }, (_, i) => `tag number ${i}`),
      when: new Date(0),
      nothing: null,
      big: 1n,
    }
    const line = await lineOf(undefined, 1, value)
    expect(line).not.toContain('\n')
    expect(line).toMatch(
      /^\{ id: 1, name: 'a\\nb', tags: \[ 'tag number 0', .*'tag number 29' \], when: 1970-01-01T00:00:00.000Z, nothing: null, big: 1n \}$/,
    )
  })

  it('prints to the standard error when told to', async () => {
    const ctx = testContext()
    const writer = await printSink(undefined, { stderr: true }).createWriter(ctx)
    await writer.write(1, writeContext)
    expect(ctx.printed).toEqual([{ stream: 'stderr', line: '1' }])
  })
})

describe('discardSink', () => {
  it('tells the engine that rows need not be made', () => {
    expect(discardSink().discards).toBe(true)
  })
})

describe('collectSink', () => {
  it('sends full chunks at once, the rest at a flush, and nothing twice', async () => {
    const ctx = testContext()
    const writer = await collectSink<number>('rows').createWriter(ctx)
    for (let i = 0; i < 1_500; i++) await writer.write(i, writeContext)
    expect(ctx.sent.map(({ channel, rows }) => [channel, rows.length])).toEqual([['rows', 1_024]])
    await writer.flush(false)
    await writer.flush(true)
    expect(ctx.sent.flatMap(({ rows }) => rows)).toEqual(Array.from({ length: 1_500 }, (_, i) => i))
  })

  it('sends a lonely row after a tenth of a second', async () => {
    const clock = new ManualClock()
    const ctx = testContext({ clock })
    const writer = await collectSink<number>('rows').createWriter(ctx)
    await writer.write(1, writeContext)
    clock.advance(99)
    expect(ctx.sent).toEqual([])
    clock.advance(1)
    expect(ctx.sent).toEqual([{ channel: 'rows', rows: [1] }])
    await writer.write(2, writeContext)
    await writer.close()
    clock.advance(1_000)
    expect(ctx.sent).toHaveLength(1)
  })
})
