/** Lines are split into words, and a running count is kept per word: one row out for each word. A record is a line. */
import { generator, noWatermarks, t } from 'headrace'
import { lines } from './lines.ts'
import { runningTally } from './tallies.ts'
import { exactly, type Workload } from './workload.ts'

interface WordCount {
  word: string
  count: number
}

const wordCountType = t.row({ word: t.string, count: t.int32 })
const tally = () =>
  runningTally<WordCount>(
    (row) => row.word,
    (row) => row.count,
  )

export const wordCount: Workload<WordCount> = {
  name: 'wordcount',
  forms: ['kernel', 'function'],
  recordsPerSecond: 2e6,
  build(env, options) {
    const text = lines()
    const words = env
      .fromSource(
        generator((i) => text[i % text.length]!, { count: options.records, type: options.schema === 'declared' ? t.string : undefined }),
        { name: 'lines', watermarks: noWatermarks() },
      )
      .flatMap<WordCount>(
        (line, out) => {
          for (const word of line.split(' ')) out.collect({ word, count: 1 })
        },
        options.schema === 'declared' ? { returns: wordCountType } : {},
      )
      .keyBy('word')
    return options.form === 'kernel' ? words.sum('count') : words.reduce((a, b) => ({ word: a.word, count: a.count + b.count }))
  },
  tally,
  expected({ records }) {
    const text = lines()
    const counts = new Map<string, number>()
    const rows = tally()
    for (let i = 0; i < records; i++) {
      for (const word of text[i % text.length]!.split(' ')) {
        const count = (counts.get(word) ?? 0) + 1
        counts.set(word, count)
        rows.add({ word, count })
      }
    }
    return rows.totals()
  },
  expectedRows({ records }) {
    const words = lines().map((line) => line.split(' ').length)
    const all = words.reduce((sum, n) => sum + n, 0)
    const rest = words.slice(0, records % words.length).reduce((sum, n) => sum + n, 0)
    return exactly(Math.floor(records / words.length) * all + rest)
  },
  peer: () => ['wordcount'],
}
