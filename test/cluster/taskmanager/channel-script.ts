/**
 * What the two ends of a relayed channel do in tests: numbered rows of all sizes, watermarks, barriers and an end on the one side, their
 * order and content checked on the other.
 */
import { rowReader } from '../../../src/base/columnar/column-batch.ts'
import { ResultPartition } from '../../../src/runtime/exchange/result-partition.ts'
import { singleRouter } from '../../../src/runtime/exchange/row-router.ts'
import type { NetworkPair } from './network-pair.ts'

export interface Seen {
  rows: number
  watermark: number
  barriers: number[]
  isEnded: boolean
  problem?: string
}

/** Some are many times as large as a segment. */
export const rowOf = (channel: number, i: number) => ({
  channel,
  i,
  text: 'é'.repeat(i % 97 === 0 ? 5000 : i % 23),
  third: i % 5 === 0 ? null : i / 3,
})

/** Sends so many rows, a watermark each 50 and a barrier each 200, then the end. */
export async function send(pair: NetworkPair, channel: number, rows: number, end = true): Promise<void> {
  const partition = new ResultPartition({
    schema: null,
    channels: [pair.writers[channel]!],
    router: singleRouter,
    maxOverdraftBytes: 1 << 24,
    operator: 'source',
  })
  const drained = () => pair.writable(channel, () => partition.scatter() && partition.isDrained)
  for (let i = 0; i < rows; i++) {
    await pair.writable(channel, () => partition.makeRoom())
    partition.emit(rowOf(channel, i), i)
    if ((i + 1) % 50 !== 0) continue
    await drained()
    partition.broadcastEvent({ kind: 'watermark', timestamp: i })
    if ((i + 1) % 200 === 0) partition.broadcastEvent({ kind: 'barrier', checkpointId: (i + 1) / 200 })
    partition.flush()
  }
  await drained()
  if (end) {
    partition.broadcastEvent({ kind: 'endOfData' })
    partition.broadcastEvent({ kind: 'endOfPartition' })
  }
  await drained()
  partition.flush()
}

/** Takes what comes until the end, or `enough` says so. */
export async function receive(pair: NetworkPair, channel: number, enough: (seen: Seen) => boolean = () => false): Promise<Seen> {
  const seen: Seen = { rows: 0, watermark: -1, barriers: [], isEnded: false }
  const wrong = (problem: string): void => void (seen.problem ??= problem)
  while (!enough(seen)) {
    const received = await pair.next(channel)
    if (received.kind === 'endOfPartition') break
    if (received.kind === 'endOfData') seen.isEnded = true
    else if (received.kind === 'watermark') {
      if (received.timestamp !== seen.rows - 1) wrong(`watermark ${received.timestamp} behind row ${seen.rows - 1}`)
      seen.watermark = received.timestamp
    } else if (received.kind === 'barrier') {
      if (received.checkpointId * 200 !== seen.rows) wrong(`barrier ${received.checkpointId} behind row ${seen.rows - 1}`)
      seen.barriers.push(received.checkpointId)
    } else if (received.kind === 'batch') {
      const read = rowReader(received.batch)
      for (let r = 0; r < received.batch.rowCount; r++) {
        const row = JSON.stringify(read(r))
        if (row !== JSON.stringify(rowOf(channel, seen.rows))) wrong(`${row} came where row ${seen.rows} was due`)
        seen.rows++
      }
    }
  }
  return seen
}
