/**
 * The programs that are tortured: every operator kind, source and sink, one entry each. The result of each is a multiset that depends neither
 * on parallelism nor on the order of keys. What is added to headrace joins by a line in one of these tables.
 */
import { connectorPrograms } from './connector-programs.ts'
import { named, operatorPrograms } from './operator-programs.ts'
import type { NamedProgram } from './stage.ts'

export const programs: Readonly<Record<string, NamedProgram>> = { ...operatorPrograms, ...named(connectorPrograms) }
