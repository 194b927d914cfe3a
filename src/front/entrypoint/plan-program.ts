/**
 * Plans the jobs of a program without running them.
 */
import type { Config } from '../../base/core/config-options.ts'
import { type ProgramPlan, planProgram as planMain } from '../../program/api/plan.ts'
import { newSeed, prepareProgram } from './prepare-program.ts'

export async function planProgram(file: string, args: unknown, config: Config): Promise<ProgramPlan> {
  const program = await prepareProgram(file, config)
  return planMain(program.main, args, { seed: newSeed(), config })
}
