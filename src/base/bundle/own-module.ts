/**
 * Where headrace's own entry modules lie: as .ts files in the sources, or as a few bundled files side by side in dist.
 * Whoever starts a thread or resolves `headrace` asks here, so that both layouts work alike.
 */

import { readFileSync } from 'node:fs'

/** Name in dist (without .js) and path in the sources, relative to src. .build/build.mjs builds exactly these. */
export const ownModules = {
  index: 'index.ts',
  testing: 'front/testing/harness.ts',
  cli: 'front/cli/headrace.ts',
  'task-thread': 'cluster/taskmanager/task-thread.ts',
  'job-process': 'cluster/dispatcher/job-process-entry.ts',
  'network-thread': 'cluster/taskmanager/network-thread.ts',
} as const

export function ownModule(name: keyof typeof ownModules): URL {
  const here = import.meta.url
  return here.endsWith('.ts') ? new URL(`../../${ownModules[name]}`, here) : new URL(`./${name}.js`, here)
}

/** Version of the package that this code is of. */
export function ownVersion(): string {
  const file = new URL(import.meta.url.endsWith('.ts') ? '../../../package.json' : '../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}
