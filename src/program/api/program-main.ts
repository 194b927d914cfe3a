/**
 * The main of a program that is a module: its default export, or for a script without one the loading of the module itself,
 * which runs what it says at the top level. The module is loaded within main, so that its top level too sees the plan's
 * time and random numbers; the starting thread and every task thread run this same function.
 */
import { loadProgram } from '../../base/bundle/load-program.ts'
import type { Main } from './run-main.ts'

export function programMain(program: { readonly url: string; readonly file: string }): Main {
  return async (env, args) => {
    const { main } = await loadProgram(program.url, program.file)
    return (main as Main | undefined)?.(env, args)
  }
}
