/**
 * Delays of 3 million US flights: for each airport of departure hour by hour, in event time, into a file; the airports with
 * the worst delays and the busiest routes into the table that is printed at the end.
 *
 * `npm start`, or `headrace run examples/flights.ts -- --input flights.parquet --output out/delays.csv`
 *
 * The data is flights-3m.parquet of the npm package vega-datasets: on-time reports that US airlines owe to the Bureau of
 * Transportation Statistics (https://www.transtats.bts.gov), January to June 2001. The package is under the BSD 3-clause
 * license and says of this file: collected under 14 CFR Part 234, license terms not explicitly specified.
 */
import {
  avg,
  count,
  csvSink,
  type Environment,
  fileSource,
  globalWindows,
  hours,
  max,
  monotonousTimestamps,
  parquet,
  tumbling,
} from 'headrace'

interface Flight {
  /** Of departure, in ms since 1970. */
  date: number
  /** Minutes; early flights have a negative one. */
  delay: number
  /** Miles. */
  distance: number
  origin: string
  destination: string
}

export default async (env: Environment, args: { input?: string; output?: string }) => {
  const { input = 'node_modules/vega-datasets/data/flights-3m.parquet', output = 'out/delays-by-hour.csv' } = args

  const flights = env.fromSource(fileSource({ path: input, format: parquet<Flight>() }), {
    name: 'flights',
    watermarks: monotonousTimestamps('date'),
  })

  // An hour is over when the watermark has passed its end: it is written then, not at the end of the input.
  flights
    .keyBy('origin')
    .window(tumbling(hours(1)))
    .aggregate({ flights: count(), meanDelay: avg('delay'), worstDelay: max('delay') }, { name: 'delays by hour' })
    .map(({ windowStart, origin, flights, meanDelay, worstDelay }) => ({
      hour: new Date(windowStart),
      origin,
      flights,
      meanDelay,
      worstDelay,
    }))
    .sinkTo(csvSink({ path: output }), { name: 'file' })

  const airports = flights
    .keyBy('origin')
    .window(globalWindows({ fireAtEnd: true }))
    .aggregate({ flights: count(), delay: avg('delay') }, { name: 'airports' })
    .collectAsync()

  const routes = flights
    .keyBy('origin', 'destination')
    .window(globalWindows({ fireAtEnd: true }))
    .aggregate({ flights: count(), delay: avg('delay'), miles: max('distance') }, { name: 'routes' })
    .collectAsync()

  await env.execute('flights')

  const large = (await Array.fromAsync(airports)).filter((airport) => airport.flights >= 1000)
  print(
    'worst mean delay, airports with 1,000 flights or more',
    ['airport', 'flights', 'delay in min'],
    top(10, large, (airport) => airport.delay).map((a) => [a.origin, a.flights, a.delay.toFixed(1)]),
  )
  const busiest = top(10, await Array.fromAsync(routes), (route) => route.flights)
  print(
    'busiest routes',
    ['route', 'flights', 'delay in min', 'miles'],
    busiest.map((r) => [`${r.origin} - ${r.destination}`, r.flights, r.delay.toFixed(1), r.miles]),
  )
  console.log(`\nhour by hour: ${output}`)
}

const top = <T>(n: number, rows: T[], by: (row: T) => number): T[] => rows.toSorted((a, b) => by(b) - by(a)).slice(0, n)

function print(title: string, head: string[], rows: (string | number)[][]): void {
  const lines = [head, ...rows.map((row) => row.map((cell) => cell.toLocaleString('en-US')))]
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)))
  console.log(`\n${title}`)
  for (const [name, ...numbers] of lines) {
    console.log(`  ${name!.padEnd(widths[0]!)}${numbers.map((cell, i) => cell.padStart(widths[i + 1]! + 3)).join('')}`)
  }
}
