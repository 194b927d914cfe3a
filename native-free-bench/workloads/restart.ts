/**
 * state32 with a failure in its midst: writes how many ms went by until the restarted job took its first record, and whether its last
 * rows are right. `--failure throws` fails a function, `--failure lost` ends a thread.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { type Environment, generator, noWatermarks, t } from 'headrace'
import { type KeyValue, keyOf, valueOf } from './records.ts'
import { lastRowsSink } from './restored.ts'
import { keyValueType, state32Function } from './state32.ts'

export interface RestartReport {
  readonly ms: number
  readonly numRestarts: number
  readonly restoredCheckpointId: number | undefined
  readonly seen: number
  readonly wrong: number
}

interface Args {
  readonly records: string
  readonly failsAt: string
  readonly keys: string
  readonly checkpoints: string
  readonly failure: 'throws' | 'lost'
}

/** Added to the value of the record that fails: no state shows it. */
const sign = 0.25

export default async function restart(env: Environment, args: Args): Promise<void> {
  const [records, failsAt, keys] = [Number(args.records), Number(args.failsAt), Number(args.keys)]
  const failedFile = `${args.checkpoints}/failed`
  let attempt = 0
  let first: (() => void) | undefined
  env
    .enableCheckpointing(500, { dir: args.checkpoints })
    .configure({ 'restart-strategy.type': 'fixed-delay', 'restart-strategy.fixed-delay.delay': 0 })
    .fromSource(
      generator((i): KeyValue => ({ key: keyOf(i, keys), value: valueOf(i) + (i === failsAt ? sign : 0) }), {
        count: records,
        type: t.row({ key: t.int32, value: t.float64 }),
      }),
      { name: 'records', watermarks: noWatermarks(), uid: 'records' },
    )
    .keyBy('key')
    .process(
      {
        state: state32Function.state,
        open(ctx) {
          attempt = ctx.attemptNumber
          // Counters are summed up: one for each subtask.
          if (attempt > 0) first = () => ctx.addToCounter(`first ${ctx.subtaskIndex}`, Date.now())
        },
        processElement(row, ctx, out) {
          first?.()
          first = undefined
          if (attempt === 0 && (row.value * 2) % 1 !== 0) fail(failedFile, args.failure)
          state32Function.processElement(row, ctx, out)
        },
      },
      { returns: keyValueType, uid: 'state32' },
    )
    .sinkTo(lastRowsSink(records, keys), { name: 'results' })
  const job = await env.executeAsync('restart')
  let restoredCheckpointId: number | undefined
  job.onEvent((event) => {
    if (event.on === 'restarting') restoredCheckpointId = event.checkpointId
  })
  const { counters } = await job.result
  const firsts = Object.entries(counters).flatMap(([name, at]) => (name.startsWith('first ') ? [at] : []))
  const failedAt = existsSync(failedFile) ? Number(readFileSync(failedFile, 'utf8')) : Number.NaN
  const report: RestartReport = {
    ...{ ms: Math.min(...firsts) - failedAt, numRestarts: job.numRestarts, restoredCheckpointId },
    ...{ seen: counters.seen ?? 0, wrong: counters.wrong ?? 0 },
  }
  process.stdout.write(`${JSON.stringify(report)}\n`)
}

function fail(file: string, failure: Args['failure']): void {
  writeFileSync(file, String(Date.now()))
  if (failure === 'lost') process.exit(3)
  throw new Error('It was to fail.')
}
