/**
 * Counts the words of a text and prints the ten commonest.
 *
 * `headrace run examples/word-count.ts -- --input LICENSE`
 */
import { count, type Environment, fileSource, globalWindows, textLines } from 'headrace'

export default async (env: Environment, { input = 'LICENSE' }: { input?: string }) => {
  const words = env
    .fromSource(fileSource({ path: input, format: textLines() }), { name: 'lines' })
    .flatMap((line) => line.toLowerCase().match(/[a-z]+/g) ?? [])
    .map((word) => ({ word }))
    .keyBy('word')
    .window(globalWindows({ fireAtEnd: true }))
    .aggregate({ times: count() })

  // Runs the job and gives its rows.
  const rows = await words.executeAndCollect()
  const commonest = rows.sort((a, b) => b.times - a.times || (a.word < b.word ? -1 : 1)).slice(0, 10)
  for (const { word, times } of commonest) console.log(`${String(times).padStart(5)} ${word}`)
}
