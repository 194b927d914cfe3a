/**
 * From JSON lines to Arrow: a file that pandas, DuckDB, Polars and others open as a table, and headrace too.
 *
 * `headrace run examples/to-arrow.ts -- --output out/clicks.arrow`
 */
import { arrowIpc, arrowSink, type Environment, fileSource, jsonLines, t } from 'headrace'

const clickType = t.row({ user: t.utf8, page: t.utf8, at: t.timestamp })

export default async (env: Environment, args: { input?: string; output?: string }) => {
  const { input = 'examples/data/clicks.jsonl', output = 'out/clicks.arrow' } = args
  env
    .fromSource(fileSource({ path: input, format: jsonLines({ type: clickType }) }), { name: 'clicks' })
    .sinkTo(arrowSink({ path: output, type: clickType }), { name: 'Arrow' })
  await env.execute('write')

  // A second job of the same program: it reads what the first one wrote.
  const clicks = env.fromSource(fileSource({ path: output, format: arrowIpc<{ user: string; at: number }>({ columns: ['user', 'at'] }) }))
  for (const { user, at } of await clicks.executeAndCollect(3)) console.log(`${new Date(at).toISOString()} ${user}`)
}
