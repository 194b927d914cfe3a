/**
 * A job that could go on for ever: readings at a fixed rate whose keys come and go (a new generation of them each second), summed in
 * windows, and beside that counted per key until a processing-time timer clears the key. Each second the process says how much memory it
 * holds and each task thread how large its heap is, one JSON line each. `--seconds`, `--rate`.
 */
import {
  boundedOutOfOrderness,
  type Collector,
  count,
  type Environment,
  generator,
  type Sink,
  seconds,
  sum,
  t,
  tumbling,
  valueState,
} from 'headrace'
import { mix } from './records.ts'

interface Reading {
  sensor: string
  at: number
  v: number
}

const keysPerSecond = 5_000
const readingType = t.row({ sensor: t.string, at: t.timestamp, v: t.float64 })

export interface MemorySample {
  readonly second: number
  /** Of the process, threads included. Only in the process's own samples. */
  readonly rssMb?: number
  readonly heapMb: number
  /** Absent: the starting thread. */
  readonly subtask?: number
}

const say = (sample: MemorySample): void => void process.stdout.write(`${JSON.stringify(sample)}\n`)
const mb = (bytes: number): number => bytes / 2 ** 20

/** Takes everything, and tells its thread's heap once a second. */
function heapSink<T>(): Sink<T> {
  return {
    name: 'heap',
    createWriter(ctx) {
      const from = performance.now()
      let next = 0
      return {
        write() {
          const second = Math.floor((performance.now() - from) / 1000)
          if (second < next) return
          next = second + 1
          say({ second, heapMb: mb(process.memoryUsage().heapUsed), subtask: ctx.subtaskIndex })
        },
        flush() {},
        close() {},
      }
    },
  }
}

export default async function endurance(env: Environment, args: { seconds: string; rate?: string }): Promise<void> {
  const rate = Number(args.rate ?? 200_000)
  const reading = (i: number): Reading => ({
    sensor: `sensor-${Math.floor(i / rate)}-${(mix(i) >>> 0) % keysPerSecond}`,
    at: Math.floor((i * 1000) / rate),
    v: i & 1023,
  })
  const keyed = env
    .fromSource(generator(reading, { count: rate * Number(args.seconds), ratePerSecond: rate, type: readingType }), {
      name: 'readings',
      watermarks: boundedOutOfOrderness(100, 'at'),
    })
    .keyBy('sensor')
  const windows = keyed.window(tumbling(seconds(1))).aggregate({ sum: sum('v'), n: count() })
  const silences = keyed.process({
    state: { n: valueState(t.int32) },
    processElement(_reading: Reading, { state, timerService }) {
      if (state.n.value === null) timerService.registerProcessingTimeTimer(timerService.currentProcessingTime + 2_000)
      state.n.update((state.n.value ?? 0) + 1)
    },
    onTimer(_at, { state, currentKey }, out: Collector<{ sensor: string; n: number }>) {
      out.collect({ sensor: String(currentKey), n: state.n.value ?? 0 })
      state.n.clear()
    },
  })
  windows
    .map(({ sensor, n }) => ({ sensor, n }))
    .union(silences)
    .sinkTo(heapSink())
  const job = await env.executeAsync('endurance')
  const from = performance.now()
  const sampling = setInterval(() => {
    const { rss, heapUsed } = process.memoryUsage()
    say({ second: Math.floor((performance.now() - from) / 1000), rssMb: mb(rss), heapMb: mb(heapUsed) })
  }, 1000)
  await job.result.finally(() => clearInterval(sampling))
}
