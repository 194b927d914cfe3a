/**
 * What `headrace` means to the modules of one thread. A program's bundle imports `headrace` by name; each thread says
 * which of its own modules that is, so that the program and the engine share one instance of the API.
 */
import { registerHooks } from 'node:module'

let target: string | undefined

/** From now on `headrace` is the module at `url` in this thread; a later call changes it for modules not yet loaded. */
export function installHeadraceResolution(url: string | URL): void {
  const installed = target !== undefined
  target = String(url)
  if (installed) return
  registerHooks({
    resolve(specifier, context, nextResolve) {
      return specifier === 'headrace' && target !== undefined ? { url: target, shortCircuit: true } : nextResolve(specifier, context)
    },
  })
}
