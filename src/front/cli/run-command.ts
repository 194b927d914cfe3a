/**
 * `headrace run`: runs a program on this machine and tells how it goes.
 */
import { StreamError } from '../../base/core/stream-error.ts'
import { runProgram } from '../entrypoint/run-program.ts'
import { commandConfig, onlyProgram } from './command-config.ts'
import { type ExitCode, exitCode, exitCodeOf } from './exit-code.ts'
import { Interruption } from './interruption.ts'
import type { ParsedOptions } from './parse-options.ts'
import { programArguments } from './program-arguments.ts'
import { machineReport, personReport } from './run-report.ts'

export async function runCommand(parsed: ParsedOptions): Promise<ExitCode> {
  const file = onlyProgram(parsed, 'run')
  const { config, warnings } = commandConfig(parsed, file)
  const report = parsed.options.has('--json') ? machineReport(process.stdout) : personReport(process.stdout, process.stderr)
  const told = new Set<string>()
  const warn = (warning: string): void => {
    if (!told.has(warning)) report.warning(warning)
    told.add(warning)
  }
  for (const warning of warnings) warn(warning)
  const interruption = new Interruption(process, () => report.cancelling())
  try {
    await runProgram({
      file,
      args: programArguments(parsed.rest),
      config,
      print: (stream, line) => report.print(stream, line),
      onWarning: warn,
      onJob(client, jobGraph) {
        interruption.watch(client)
        report.submitted(client, jobGraph)
        client.onProgress((progress) => report.progress(client, progress))
        client.result.then(
          (result) => report.finished(result),
          () => report.clear(),
        )
      },
    })
    return interruption.code ?? exitCode.ok
  } catch (thrown) {
    const interrupted = interruption.code !== undefined && thrown instanceof StreamError && thrown.code === 'CANCELLED'
    if (report.failed(thrown, interrupted)) return interrupted ? interruption.code! : exitCodeOf(thrown)
    throw thrown
  }
}
