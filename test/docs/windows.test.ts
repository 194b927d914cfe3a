/** Runs every program of docs/windows.md and compares what it prints with what the page says. */
import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { expect, test } from 'vitest'
import { localExecutor } from '../../src/cluster/local/local-executor.ts'
import { Environment } from '../../src/program/api/environment.ts'

const page = readFileSync(new URL('../../docs/windows.md', import.meta.url), 'utf8')
const examples = [...page.matchAll(/## ([^\n]+)\n(?:(?!\n## ).)*?```ts\n(.*?)```\n\n```text\n(.*?)```/gs)].map(
  ([, title, program, output]) => ({
    title: title!,
    program: program!,
    lines: output!.trim().split('\n'),
  }),
)

async function printedBy(program: string): Promise<string[]> {
  const index = new URL('../../src/index.ts', import.meta.url).href
  const code = stripTypeScriptTypes(program.replaceAll("from 'headrace'", `from '${index}'`))
  const { default: main } = await import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(code)}`)
  const lines: string[] = []
  const executor = localExecutor({ mode: 'inline', print: (_stream, line) => void lines.push(line) })
  const env = new Environment({ executor: async () => executor })
  await main(env)
  await env.execute()
  await executor.close()
  return lines
}

test('every section with a program says what it prints', () => {
  expect(examples.length).toBe(page.match(/```ts\n/g)!.length)
  expect(examples.length).toBe(7)
})

for (const { title, program, lines } of examples) {
  test(`the program under "${title}" prints what the page says`, async () => {
    expect(await printedBy(program)).toEqual(lines)
  })
}
