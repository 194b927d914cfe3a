/**
 * Runs a program as a user writes it, a module's text, in threads or inline: bundled, imported, planned and executed as by
 * `headrace run`. What main returns comes back, so that a program can return the rows that it collected.
 *
 * ```ts
 * const { value } = await runProgram(`
 *   export default (env) => env.fromSequence(1, 3).map((n) => n * 2).executeAndCollect()
 * `, { mode: 'threads' })
 * ```
 */
import { createRequire } from 'node:module'
import type * as host from './program-host.ts'

export type { ProgramRun, RunOptions } from './program-host.ts'

/** Not vitest's import, which would make copies of headrace's modules beside those that the program gets from Node. */
const loadHost = (): typeof host => createRequire(import.meta.url)('./program-host.ts')

export async function runProgram(text: string, options: host.RunOptions): Promise<host.ProgramRun> {
  return loadHost().runProgram(text, options)
}

/** A module that Node can import as it is: the URL of a .ts or .js file. */
export async function runModule(url: URL, options: host.RunOptions): Promise<host.ProgramRun> {
  return loadHost().runModule(url.href, url.pathname, options)
}
