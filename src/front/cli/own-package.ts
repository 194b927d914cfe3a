/**
 * Facts about the installed package: its version, and where its own code lies, which stacks for users leave out.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const inSources = import.meta.url.endsWith('.ts')

/** dist/ of the installed package, or src/ of the sources. */
export const ownFolder = fileURLToPath(new URL(inSources ? '../../' : './', import.meta.url))

export function packageVersion(): string {
  const file = new URL(inSources ? '../../../package.json' : '../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}
