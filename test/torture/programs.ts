/**
 * The programs that are tortured: every operator kind, source and sink, one entry each. The result of each is a multiset that depends neither
 * on parallelism nor on the order of keys. What is added to headrace joins by a line in one of these tables.
 */
import { connectorPrograms } from './connector-programs.ts'
import type { NamedProgram } from './stage.ts'
import { statePrograms } from './state-programs.ts'
import { streamPrograms } from './stream-programs.ts'
import { windowPrograms } from './window-programs.ts'

export const programs: Readonly<Record<string, NamedProgram>> = Object.fromEntries(
  Object.entries({ ...streamPrograms, ...statePrograms, ...windowPrograms, ...connectorPrograms }).map(([name, program]) => [
    name,
    { name, ...(typeof program === 'function' ? { build: program } : program) },
  ]),
)
