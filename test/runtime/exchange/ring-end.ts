/**
 * One end of a channel in a thread of its own, for the stress test: sends or takes numbered rows and sleeps as a slot does,
 * behind a flag that the peer looks at after each publication or release. Says what it saw.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { rowReader } from '../../../src/base/columnar/column-batch.ts'
import { ChannelReader } from '../../../src/runtime/exchange/channel-reader.ts'
import { ChannelWriter } from '../../../src/runtime/exchange/channel-writer.ts'
import { ResultPartition } from '../../../src/runtime/exchange/result-partition.ts'
import { Ring } from '../../../src/runtime/exchange/ring.ts'
import { singleRouter } from '../../../src/runtime/exchange/row-router.ts'

export interface EndOptions {
  readonly end: 'producer' | 'consumer'
  readonly ring: SharedArrayBuffer
  /** Word 0: the producer sleeps, word 1: the consumer; words 2 and 3 are what they wait on. */
  readonly sleepers: SharedArrayBuffer
  readonly rows: number
}

export interface EndReport {
  readonly rows: number
  readonly checksum: number
  readonly sleeps: number
  readonly problem?: string
}

const rowOf = (i: number) => ({ i, name: `n${i % 13}`, text: 'é'.repeat(i % 97 === 0 ? 700 : i % 23), odd: i % 5 === 0 ? null : i / 3 })
const mix = (checksum: number, row: any) =>
  (Math.imul(checksum, 31) + row.i + row.name.length * 7 + row.text.length * 13 + (row.odd === null ? 1 : Math.round(row.odd * 3))) | 0

const { end, ring: memory, sleepers, rows } = workerData as EndOptions
const flags = new Int32Array(sleepers)
const me = end === 'producer' ? 0 : 1
let sleeps = 0

function wakePeer(): void {
  const peer = 1 - me
  if (Atomics.compareExchange(flags, peer, 1, 0) !== 1) return
  Atomics.add(flags, 2 + peer, 1)
  Atomics.notify(flags, 2 + peer)
}

/** Runs `turn` until it says that it is over; where it got nothing done, looks again behind the flag and sleeps. */
function pump(turn: () => 'progressed' | 'nothing' | 'over'): boolean {
  for (;;) {
    const pings = Atomics.load(flags, 2 + me)
    let result = turn()
    if (result === 'nothing') {
      Atomics.store(flags, me, 1)
      result = turn()
      if (result === 'nothing') {
        sleeps++
        if (Atomics.wait(flags, 2 + me, pings, 10_000) === 'timed-out') return false
      } else Atomics.store(flags, me, 0)
    }
    if (result === 'over') return true
  }
}

function produce(): EndReport {
  const writer = new ChannelWriter(new Ring(memory), { onPublish: wakePeer, maxRecordBytes: 1 << 20, operator: 'stress' })
  const partition = new ResultPartition({
    schema: null,
    channels: [writer],
    router: singleRouter,
    maxOverdraftBytes: 1 << 20,
    operator: 'stress',
  })
  let i = 0
  let checksum = 0
  let isEnded = false
  const ok = pump(() => {
    const before = i
    if (!partition.makeRoom()) return 'nothing'
    for (; i < rows && !partition.isFull; i++) {
      const row = rowOf(i)
      checksum = mix(checksum, row)
      partition.emit(row, i)
      if (i % 5000 === 0 && partition.scatter()) {
        partition.broadcastEvent({ kind: 'watermark', timestamp: i })
        partition.flush()
      }
    }
    if (i > before) return 'progressed'
    if (!partition.scatter()) return 'nothing'
    if (!isEnded) partition.broadcastEvent({ kind: 'endOfData' })
    isEnded = true
    if (!partition.isDrained) return 'nothing'
    partition.flush()
    return 'over'
  })
  return { rows: i, checksum, sleeps, ...(!ok && { problem: 'the producer slept for ten seconds' }) }
}

function consume(): EndReport {
  const reader = new ChannelReader(new Ring(memory), wakePeer)
  let i = 0
  let checksum = 0
  let watermark = -1
  let problem: string | undefined
  const ok = pump(() => {
    const received = reader.poll()
    if (received === undefined) return 'nothing'
    if (received.kind === 'endOfData') return 'over'
    if (received.kind === 'watermark') {
      if (received.timestamp <= watermark || received.timestamp >= i) problem ??= `watermark ${received.timestamp} came before row ${i}`
      watermark = received.timestamp
    } else if (received.kind === 'batch') {
      const read = rowReader(received.batch)
      for (let r = 0; r < received.batch.rowCount; r++) {
        const row = read(r) as any
        if (row.i !== i) problem ??= `row ${row.i} came where ${i} was due`
        checksum = mix(checksum, row)
        i++
      }
    }
    return 'progressed'
  })
  return { rows: i, checksum, sleeps, ...(problem !== undefined ? { problem } : !ok && { problem: 'the consumer slept for ten seconds' }) }
}

parentPort!.postMessage(end === 'producer' ? produce() : consume())
