/**
 * The part of run-program.ts that Node itself loads, so that the engine that runs a program and the `headrace` that the program
 * imports are the same modules.
 */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { bundleProgram } from '../../src/base/bundle/bundle-program.ts'
import { installHeadraceResolution } from '../../src/base/bundle/headrace-resolution.ts'
import { ownModule } from '../../src/base/bundle/own-module.ts'
import type { Config } from '../../src/base/core/config-options.ts'
import { localExecutor } from '../../src/cluster/local/local-executor.ts'
import type { Executor, JobClient } from '../../src/program/api/executor.ts'
import { programMain } from '../../src/program/api/program-main.ts'
import { runMain } from '../../src/program/api/run-main.ts'

export interface RunOptions {
  readonly mode: 'inline' | 'threads'
  readonly args?: unknown
  readonly config?: Config
  readonly expectedSlots?: number
  readonly heapSizeBytes?: number
  /** Called with each job as soon as it runs. */
  readonly onJob?: (client: JobClient) => void
}

export interface ProgramRun {
  /** What main returned. */
  readonly value: any
  /** What print sinks wrote. */
  readonly lines: readonly string[]
  readonly jobs: readonly JobClient[]
}

/** The module's text with its own imports, `import { ... } from 'headrace'` among them. */
export async function runProgram(text: string, options: RunOptions): Promise<ProgramRun> {
  const folder = mkdtempSync(path.join(tmpdir(), 'headrace-test-'))
  const file = path.join(folder, 'program.ts')
  writeFileSync(file, text)
  const bundle = await bundleProgram(file)
  const bundleFile = path.join(folder, `${bundle.id}.mjs`)
  writeFileSync(bundleFile, bundle.code)
  return runModule(pathToFileURL(bundleFile).href, file, options)
}

/** A module that Node can import as it is. */
export async function runModule(url: string, file: string, options: RunOptions): Promise<ProgramRun> {
  installHeadraceResolution(ownModule('index'))
  const seed = { timeMs: Date.now(), random: 1 }
  const lines: string[] = []
  const jobs: JobClient[] = []
  const executor = localExecutor({
    mode: options.mode,
    program: { url, file, args: options.args, seed, config: options.config },
    expectedSlots: options.expectedSlots,
    heapSizeBytes: options.heapSizeBytes,
    print: (_stream, line) => void lines.push(line),
  })
  const observed: Executor = {
    async submit(job) {
      const client = await executor.submit(job)
      jobs.push(client)
      options.onJob?.(client)
      return client
    },
  }
  let value: unknown
  const main = programMain({ url, file })
  // vitest formats stacks by itself, and then Node does not map them to the lines of the program.
  const errors = Error as { prepareStackTrace?: typeof Error.prepareStackTrace }
  const { prepareStackTrace } = errors
  errors.prepareStackTrace = undefined
  try {
    const host = { executor: async () => observed, ...(options.config && { config: options.config }) }
    await runMain(
      async (env, args) => {
        value = await main(env, args)
      },
      options.args,
      host,
      seed,
    ).done
    await Promise.all(jobs.map((job) => job.result))
    return { value, lines, jobs }
  } finally {
    errors.prepareStackTrace = prepareStackTrace
    await executor.close()
  }
}
