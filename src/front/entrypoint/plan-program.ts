/**
 * Plans the first job of a program without running it.
 */
import type { Config } from '../../base/core/config-options.ts'
import { type Plan, plan } from '../../program/api/plan.ts'
import { newSeed, prepareProgram } from './prepare-program.ts'

export async function planProgram(file: string, args: unknown, config: Config): Promise<Plan> {
  const program = await prepareProgram(file, config)
  return plan(program.main, args, { seed: newSeed(), config })
}
