/**
 * Sessions of clicks: a session ends when a user has not clicked for half an hour. The clicks are up to five minutes out of
 * order in the file; event time puts them right.
 *
 * `headrace run examples/sessions.ts`
 */
import { boundedOutOfOrderness, type Collector, type Environment, fileSource, jsonLines, minutes, session, t } from 'headrace'

// The declared type turns the text of `at` into a timestamp, and refuses lines that are not of it.
const clickType = t.row({ user: t.utf8, page: t.utf8, at: t.timestamp })

export default (env: Environment, { input = 'examples/data/clicks.jsonl' }: { input?: string }) => {
  env
    .fromSource(fileSource({ path: input, format: jsonLines({ type: clickType }) }), {
      name: 'clicks',
      watermarks: boundedOutOfOrderness(minutes(5), 'at'),
    })
    .keyBy('user')
    .window(session(minutes(30)))
    .process((clicks, { key, window }, out: Collector<string>) => {
      const pages = clicks.toSorted((a, b) => a.at - b.at).map((click) => click.page)
      const lasted = (window.end - window.start - minutes(30)) / minutes(1)
      out.collect(`${new Date(window.start).toISOString()} ${key}: ${pages.join(' ')} in ${lasted.toFixed(1)} min`)
    })
    .print()
}
