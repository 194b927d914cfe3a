/**
 * Loads a program's bundle into this thread. Stack traces name the user's own files and lines from then on. Loading runs
 * the module's top level, so a script without a default export does its work here.
 */
import { setSourceMapsSupport } from 'node:module'
import { StreamError } from '../core/stream-error.ts'

export interface LoadedProgram {
  /** The default export, when it is a function. */
  readonly main: ((...args: readonly never[]) => unknown) | undefined
  /** Names of everything exported, for the message when there is nothing to run. */
  readonly exports: readonly string[]
}

/** Imports the bundle at `url`; `file` is the user's name for it. What the module's top level throws is passed on with its stack. */
export async function loadProgram(url: string | URL, file: string): Promise<LoadedProgram> {
  setSourceMapsSupport(true, { nodeModules: false, generatedCode: false })
  const module = await importBundle(String(url), file)
  const exported = module.default
  if (exported !== undefined && typeof exported !== 'function') {
    throw new StreamError('INVALID_PROGRAM', `${file}: the default export is ${describe(exported)}, not a function`, {
      hint: 'Write: export default (env, args) => { ... }',
      place: { file },
    })
  }
  return { main: exported as LoadedProgram['main'], exports: Object.keys(module) }
}

async function importBundle(url: string, file: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await import(url)
  } catch (thrown) {
    if (thrown instanceof StreamError) throw thrown
    const missing =
      thrown instanceof SyntaxError ? /'headrace' does not provide an export named '(.+)'/.exec(thrown.message)?.[1] : undefined
    if (missing !== undefined) {
      throw new StreamError('INVALID_PROGRAM', `${file}: headrace has no export '${missing}'`, {
        hint: 'A TypeScript check of the program (npx tsc --noEmit) names such mistakes with their line.',
        place: { file },
      })
    }
    const message = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown)
    throw new StreamError('INVALID_PROGRAM', `${file} failed while it was loaded: ${message}`, { cause: thrown, place: { file } })
  }
}

function describe(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
