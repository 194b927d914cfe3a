/** Programs of one scripted source, run in the generated and the plain form. */
import { expect } from 'vitest'
import type { Environment } from '../../../src/program/api/environment.ts'
import { ListSink, runJob, type SourceStep, scriptedSource } from '../task/job-bench.ts'

/** Runs a program in both forms, which must agree, and answers what its sinks got, by name. */
export async function both(
  program: (env: Environment, sink: (name: string) => ListSink) => void,
  options: { config?: Record<string, unknown>; anyOrder?: boolean } = {},
) {
  const results = []
  for (const codegen of [true, false]) {
    const sinks: Record<string, ListSink> = {}
    await runJob((env) => program(env, (name) => (sinks[name] = new ListSink())), {
      config: { ...options.config, 'execution.codegen': codegen },
    })
    const written = (sink: ListSink) => sink.written.map(({ row, timestamp }) => ({ row, timestamp }))
    results.push(
      Object.fromEntries(
        Object.entries(sinks).map(([name, sink]) => [name, options.anyOrder ? written(sink).sort(byText) : written(sink)]),
      ),
    )
  }
  expect(results[0]).toEqual(results[1])
  return results[0]!
}

const byText = (a: unknown, b: unknown) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)

export const sourceOf = (...steps: SourceStep[]) => scriptedSource(() => steps)
