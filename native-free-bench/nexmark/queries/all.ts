/** The queries by name. */
import { q0 } from './q0.ts'
import { q1 } from './q1.ts'
import { q2 } from './q2.ts'
import { q3 } from './q3.ts'
import { q5 } from './q5.ts'
import { q7 } from './q7.ts'
import { q8 } from './q8.ts'
import { q11 } from './q11.ts'
import type { Query } from './query.ts'

export const queries: Readonly<Record<string, Query>> = { q0, q1, q2, q3, q5, q7, q8, q11 }
