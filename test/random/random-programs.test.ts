/**
 * Random programs give what their definition gives, whatever way they run. A failing case prints the program as a spec and
 * fast-check's seed; HEADRACE_RANDOM_RUNS sets the number of programs.
 */
import fc from 'fast-check'
import { getEnvironment } from 'headrace'
import { expect, test } from 'vitest'
import { arbitraryProgram } from '../support/random/arbitrary-program.ts'
import { runSpec } from '../support/random/build-program.ts'
import type { ProgramSpec } from '../support/random/program-spec.ts'
import { multiset } from '../support/reference/canonical.ts'
import { PassedOver, referenceStreams } from '../support/reference/program-reference.ts'
import { runModule } from '../support/run-program.ts'

const runs = Number(process.env.HEADRACE_RANDOM_RUNS ?? 200)

/** Passes over programs without one result to compare. */
function expectedOf(spec: ProgramSpec): string[][] {
  try {
    const streams = referenceStreams(spec)
    return spec.sinks.map((sink) => multiset(streams[sink]!.map(({ row }) => row)))
  } catch (thrown) {
    fc.pre(!(thrown instanceof PassedOver))
    throw thrown
  }
}

/**
 * For the programs of one test, shrinking included. Under load a program may fail only for being slow; then each smaller one that
 * is tried takes as long, and the test would not end for hours.
 */
const limits = (programs: number) => ({ interruptAfterTimeLimit: 240_000 + 2000 * programs, markInterruptAsFailure: true })
const hangsAfterMs = 60_000

/** A program that hangs fails by itself, so that it can be shrunk. */
async function inTime<T>(run: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the program did not end within ${hangsAfterMs / 1000} s`)), hangsAfterMs)
  })
  return Promise.race([run, late]).finally(() => clearTimeout(timer))
}

test('random programs give inline what their definition gives, interpreted and generated', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryProgram({ sources: 3, steps: 8, rows: [60, 600, 5000] }), async (spec) => {
      const expected = expectedOf(spec)
      for (const codegen of [spec.config.codegen, !spec.config.codegen]) {
        const rows = await inTime(runSpec(getEnvironment(), { ...spec, config: { ...spec.config, codegen } }))
        expect(rows.map(multiset)).toEqual(expected)
      }
    }),
    { numRuns: runs, ...limits(runs) },
  )
}, 3_600_000)

test('random programs give in task threads what their definition gives', async () => {
  const fixture = new URL('../fixtures/programs/random-spec.ts', import.meta.url)
  await fc.assert(
    fc.asyncProperty(arbitraryProgram({ sources: 2, steps: 6, rows: [100, 600, 5000] }), async (spec) => {
      const expected = expectedOf(spec)
      const { value } = await inTime(runModule(fixture, { mode: 'threads', args: spec, expectedSlots: 3 }))
      expect(value.map(multiset)).toEqual(expected)
    }),
    { numRuns: Math.ceil(runs / 40), ...limits(Math.ceil(runs / 40)) },
  )
}, 3_600_000)
