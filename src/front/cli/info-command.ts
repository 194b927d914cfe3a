/**
 * `headrace info`: the plan of a program, for people or as JSON.
 */
import { planToJson, planToText } from '../../program/graph/render-plan.ts'
import { planProgram } from '../entrypoint/plan-program.ts'
import { commandConfig, onlyProgram } from './command-config.ts'
import { type ExitCode, exitCode } from './exit-code.ts'
import type { ParsedOptions } from './parse-options.ts'
import { programArguments } from './program-arguments.ts'

export async function infoCommand(parsed: ParsedOptions): Promise<ExitCode> {
  const file = onlyProgram(parsed, 'info')
  const { config, warnings } = commandConfig(parsed, file)
  const { jobGraph } = await planProgram(file, programArguments(parsed.rest), config)
  const shown = new Set(jobGraph.warnings)
  for (const warning of warnings) if (!shown.has(warning)) process.stderr.write(`headrace: warning: ${warning}\n`)
  const text = parsed.options.has('--json') ? JSON.stringify(planToJson(jobGraph), null, 2) : planToText(jobGraph)
  process.stdout.write(`${text}\n`)
  return exitCode.ok
}
