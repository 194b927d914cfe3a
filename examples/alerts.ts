/**
 * An alert for each machine that has been above 90 degrees for a minute: state of each key, and timers in event time.
 *
 * `headrace run examples/alerts.ts`
 */
import { type Collector, csv, type Environment, fileSource, minutes, monotonousTimestamps, t, valueState } from 'headrace'

const readingType = t.row({ machine: t.utf8, at: t.timestamp, temperature: t.float64 })

export default (env: Environment, { input = 'examples/data/machines.csv' }: { input?: string }) => {
  env
    .fromSource(fileSource({ path: input, format: csv({ type: readingType }) }), {
      name: 'readings',
      watermarks: monotonousTimestamps('at'),
    })
    .keyBy('machine')
    .process({
      // Of each machine: since when it is hot.
      state: { hotSince: valueState(t.timestamp) },
      processElement({ at, temperature }, { state, timerService }) {
        const since = state.hotSince.value
        if (temperature > 90 && since === null) {
          state.hotSince.update(at)
          timerService.registerEventTimeTimer(at + minutes(1))
        } else if (temperature <= 90 && since !== null) {
          state.hotSince.clear()
          // A timer fires when the watermark comes by, which may be long after this row: one that is due must stay.
          if (at < since + minutes(1)) timerService.deleteEventTimeTimer(since + minutes(1))
        }
      },
      onTimer(at, { currentKey }, out: Collector<string>) {
        out.collect(`${new Date(at).toISOString()} ${currentKey} has been above 90 degrees for a minute`)
      },
    })
    .print()
}
