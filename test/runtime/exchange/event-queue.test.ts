import { expect, test } from 'vitest'
import { EventQueue } from '../../../src/runtime/exchange/event-queue.ts'
import type { ChannelEvent } from '../../../src/runtime/exchange/frame.ts'
import { Channel } from './channels.ts'

const drained = (...events: ChannelEvent[]): ChannelEvent[] => {
  const queue = new EventQueue()
  for (const event of events) queue.push(event)
  const out: ChannelEvent[] = []
  for (let event = queue.shift(); event !== undefined; event = queue.shift()) out.push(event)
  return out
}
const watermark = (timestamp: number) => ({ kind: 'watermark', timestamp }) as const
const barrier = (checkpointId: number) => ({ kind: 'barrier', checkpointId }) as const
const idle = { kind: 'idle' } as const
const active = { kind: 'active' } as const

test('of watermarks in a row the last stands for all', () => {
  expect(drained(watermark(1), watermark(2))).toEqual([watermark(2)])
})

test.each<ChannelEvent>([barrier(7), { kind: 'endOfData' }, { kind: 'endOfPartition' }])(
  'nothing is drawn together over %o, and it stays where it is',
  (event) => {
    expect(drained(watermark(1), event, watermark(2))).toEqual([watermark(1), event, watermark(2)])
    expect(drained(idle, event, active)).toEqual([idle, event, active])
    expect(drained(event, event)).toEqual([event, event])
  },
)

test('a channel carries barriers and ends in their order, though there is no credit for a while', () => {
  const channel = new Channel({ segmentSizeBytes: 64, segments: 2 })
  const events: ChannelEvent[] = [watermark(1), barrier(2 ** 40), { kind: 'endOfData' }, barrier(2 ** 40 + 1), { kind: 'endOfPartition' }]
  for (let i = 0; i < 3; i++) for (const event of events) channel.writer.event(event)
  expect(channel.writer.hasWaitingEvents).toBe(true)
  for (let i = 0; i < 20; i++) {
    channel.writer.drain()
    channel.writer.flush()
    channel.takeAll()
  }
  expect(channel.writer.hasWaitingEvents).toBe(false)
  expect(channel.taken).toEqual([...events, ...events, ...events])
})
