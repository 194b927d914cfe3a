/**
 * From CSV to CSV: the rain of Seattle by month, from daily records.
 *
 * `headrace run examples/rain.ts -- --output out/rain.csv`
 *
 * The data is seattle-weather.csv of the npm package vega-datasets, records of NOAA.
 */
import { count, csv, csvSink, type Environment, fileSource, globalWindows, max, sum } from 'headrace'

// Numbers are found by looking at the first records; text stays text.
interface Day {
  date: string
  precipitation: number
}

export default (env: Environment, args: { input?: string; output?: string }) => {
  const { input = 'node_modules/vega-datasets/data/seattle-weather.csv', output = 'out/rain.csv' } = args
  env
    .fromSource(fileSource({ path: input, format: csv<Day>({ onMalformed: 'skip' }) }), { name: 'days' })
    .map((day) => ({ month: day.date.slice(0, 7), rain: day.precipitation }))
    .filter((day) => day.rain > 0)
    .keyBy('month')
    .window(globalWindows({ fireAtEnd: true }))
    .aggregate({ rainyDays: count(), rain: sum('rain'), wettestDay: max('rain') })
    .map(({ month, rainyDays, rain, wettestDay }) => ({ month, rainyDays, rain: Math.round(rain * 10) / 10, wettestDay }))
    .sinkTo(csvSink({ path: output }), { name: 'rain by month' })
}
