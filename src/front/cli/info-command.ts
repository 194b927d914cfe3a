/**
 * `headrace info`: the plans of a program's jobs, for people or as JSON (an array where there are several).
 */
import { describeThrown } from '../../base/core/describe-thrown.ts'
import { programArguments } from '../../program/api/program-arguments.ts'
import { planToJson, planToText } from '../../program/graph/render-plan.ts'
import { planProgram } from '../entrypoint/plan-program.ts'
import { commandConfig, onlyProgram } from './command-config.ts'
import { type ExitCode, exitCode } from './exit-code.ts'
import { ownStdout } from './own-stdout.ts'
import type { ParsedOptions } from './parse-options.ts'
import { unlessStuck } from './unless-stuck.ts'

export async function infoCommand(parsed: ParsedOptions): Promise<ExitCode> {
  const file = onlyProgram(parsed, 'info')
  const { config, warnings } = commandConfig(parsed, file)
  const stdout = ownStdout()
  const { plans, failure } = await unlessStuck(planProgram(file, programArguments(parsed.rest), config), {
    process,
    cause: () => undefined,
  })
  const jobs = plans.map(({ jobGraph }) => jobGraph)
  const shown = new Set(jobs.flatMap((job) => job.warnings ?? []))
  for (const warning of warnings) if (!shown.has(warning)) process.stderr.write(`headrace: warning: ${warning}\n`)
  const json = jobs.map(planToJson)
  const text = parsed.options.has('--json')
    ? JSON.stringify(json.length === 1 ? json[0] : json, null, 2)
    : jobs.map(planToText).join('\n\n')
  stdout.write(`${text}\n`)
  if (failure !== undefined)
    process.stderr.write(`headrace: warning: later jobs are not shown, since main failed without the results: ${describeThrown(failure)}\n`)
  return exitCode.ok
}
