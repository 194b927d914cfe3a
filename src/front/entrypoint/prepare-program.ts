/**
 * What running and planning a program have in common: find it, bundle it, place the bundle, say what `headrace` means to it
 * in this thread, and see that it asked for a job at all.
 */
import { bundleProgram } from '../../base/bundle/bundle-program.ts'
import { installHeadraceResolution } from '../../base/bundle/headrace-resolution.ts'
import { loadProgram } from '../../base/bundle/load-program.ts'
import { ownModule } from '../../base/bundle/own-module.ts'
import { type Config, configValue } from '../../base/core/config-options.ts'
import type { PlanSeed } from '../../base/core/deterministic-globals.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import { programMain } from '../../program/api/program-main.ts'
import type { Main } from '../../program/api/run-main.ts'
import { findProgram } from './find-program.ts'
import { placeBundle } from './program-folder.ts'

export interface PreparedProgram {
  /** The program's name as the user gave it. */
  readonly file: string
  /** Of the bundle. */
  readonly url: string
  /** Loads the program when called, as every task thread does; fails when the program asked for no job. */
  readonly main: Main
  /** What esbuild found odd. */
  readonly warnings: readonly string[]
}

export async function prepareProgram(file: string, config: Config): Promise<PreparedProgram> {
  const bundle = await bundleProgram(findProgram(file))
  const url = placeBundle(bundle, configValue(config, 'io.tmp.dirs')).href
  installHeadraceResolution(ownModule('index'))
  const main = programMain({ url, file })
  return {
    file,
    url,
    warnings: bundle.warnings,
    async main(env, args) {
      await main(env, args)
      if (env.executions === 0 && !env.hasPendingOperators) throw await noJob(url, file)
    },
  }
}

async function noJob(url: string, file: string): Promise<StreamError> {
  const { main, exports } = await loadProgram(url, file)
  if (main !== undefined) {
    return new StreamError('INVALID_PROGRAM', `${file}: main ended without a job`, {
      hint: 'Read a source and give its stream to a sink, as in env.fromSequence(1, 10).print()',
      place: { file },
    })
  }
  const other = exports.length === 0 ? '' : ` (it exports ${exports.join(', ')})`
  return new StreamError('INVALID_PROGRAM', `${file} has no default export and executed no job${other}`, {
    hint: 'Write: export default (env, args) => { ... }\nor, as a script: const env = getEnvironment(); ...; await env.execute()',
    place: { file },
  })
}

/** The time and the randomness that main sees, chosen once for a run. */
export function newSeed(): PlanSeed {
  return { timeMs: Date.now(), random: Math.floor(Math.random() * 2 ** 32) }
}
