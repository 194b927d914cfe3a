/** A job that waits for input for the given time and then ends: keyed windows behind a source with nothing to say. */
import { boundedOutOfOrderness, count, discardSink, type Environment, minutes, type Source, tumbling } from 'headrace'

interface Row {
  key: number
  ts: number
}

const silent = (ms: number): Source<Row> => ({
  name: 'silence',
  boundedness: 'bounded',
  createEnumerator: () => ({
    start() {},
    addReader() {},
    handleSplitRequest() {},
    snapshotState: () => null,
    close() {},
  }),
  createReader(ctx) {
    let isOver = false
    return {
      start() {
        ctx.clock.setTimer(ms, () => {
          isOver = true
        })
      },
      pollNext: () => (isOver ? 'end' : 'nothing'),
      isAvailable: () => new Promise((resolve) => ctx.clock.setTimer(ms, resolve)),
      addSplits() {},
      notifyNoMoreSplits() {},
      snapshotState: () => [],
      close() {},
    }
  },
})

export default (env: Environment, args: { seconds?: string }): void => {
  env
    .fromSource(silent(Number(args.seconds ?? 10) * 1000), { watermarks: boundedOutOfOrderness(0, (row) => row.ts) })
    .keyBy('key')
    .window(tumbling(minutes(1)))
    .aggregate({ n: count() })
    .sinkTo(discardSink())
}
