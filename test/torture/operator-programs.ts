/**
 * The programs of operators alone: what threads and processes of their own load.
 */
import type { NamedProgram, TortureProgram } from './stage.ts'
import { statePrograms } from './state-programs.ts'
import { streamPrograms } from './stream-programs.ts'
import { windowPrograms } from './window-programs.ts'

export const named = (table: Readonly<Record<string, TortureProgram['build'] | TortureProgram>>): Readonly<Record<string, NamedProgram>> =>
  Object.fromEntries(
    Object.entries(table).map(([name, program]) => [name, { name, ...(typeof program === 'function' ? { build: program } : program) }]),
  )

export const operatorPrograms = named({ ...streamPrograms, ...statePrograms, ...windowPrograms })
