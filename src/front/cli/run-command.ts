/**
 * `headrace run`: runs a program on this machine and tells how it goes.
 */
import { StreamError } from '../../base/core/stream-error.ts'
import { LocalFileSystem } from '../../base/filesystem/local-file-system.ts'
import type { JobClient } from '../../program/api/executor.ts'
import { programArguments } from '../../program/api/program-arguments.ts'
import { metadataName } from '../../runtime/checkpoint/checkpoint-storage.ts'
import { runProgram } from '../entrypoint/run-program.ts'
import type { KeptCheckpoint } from './checkpoint-text.ts'
import { commandConfig, onlyProgram } from './command-config.ts'
import { commandFrom } from './command-from.ts'
import { type ExitCode, exitCode, exitCodeOf } from './exit-code.ts'
import { Interruption } from './interruption.ts'
import { ownStdout } from './own-stdout.ts'
import type { ParsedOptions } from './parse-options.ts'
import { machineReport, personReport } from './run-report.ts'
import { unlessStuck } from './unless-stuck.ts'

export async function runCommand(parsed: ParsedOptions): Promise<ExitCode> {
  const file = onlyProgram(parsed, 'run')
  const { config, warnings } = commandConfig(parsed, file)
  const report = parsed.options.has('--json')
    ? machineReport(ownStdout())
    : personReport(process.stdout, process.stderr, Date.now, (path) => commandFrom(parsed, path))
  const told = new Set<string>()
  const warn = (warning: string): void => {
    if (!told.has(warning)) report.warning(warning)
    told.add(warning)
  }
  for (const warning of warnings) warn(warning)
  const jobs: { readonly client: JobClient; readonly jobName: string }[] = []
  const interruption = new Interruption(process, () => report.cancelling())
  let failure: unknown
  try {
    const main = runProgram({
      file,
      args: programArguments(parsed.rest),
      config,
      print: (stream, line) => report.print(stream, line),
      onWarning: warn,
      onJob(client, jobGraph) {
        jobs.push({ client, jobName: jobGraph.jobName })
        interruption.watch(client)
        report.submitted(client, jobGraph)
        client.onProgress((progress) => report.progress(client, progress))
        client.onEvent((event) => report.event(client, jobGraph.jobName, event))
        client.result.then(
          (result) => report.finished(result),
          (thrown) => {
            failure ??= thrown
            report.clear()
          },
        )
      },
    })
    await unlessStuck(main, { process, cause: () => failure })
    return interruption.code ?? exitCode.ok
  } catch (thrown) {
    const interrupted = interruption.code !== undefined && thrown instanceof StreamError && thrown.code === 'CANCELLED'
    if (report.failed(thrown, interrupted, await keptCheckpoints(jobs))) return interrupted ? interruption.code! : exitCodeOf(thrown)
    throw thrown
  }
}

/** What jobs that did not finish can go on from, as far as it is there: whether it is kept was decided by how they ended. */
async function keptCheckpoints(jobs: readonly { readonly client: JobClient; readonly jobName: string }[]): Promise<KeptCheckpoint[]> {
  const fileSystem = new LocalFileSystem()
  const kept: KeptCheckpoint[] = []
  for (const { client, jobName } of jobs) {
    if (client.status === 'FINISHED') continue
    const last =
      client.checkpoints.findLast(({ status }) => status === 'completed') ??
      (client.status === 'CANCELED' ? client.restoredFrom : undefined)
    if (last === undefined) continue
    const { checkpointId, path } = last
    if ((await fileSystem.status(`${path}/${metadataName}`)) !== undefined) kept.push({ jobName, checkpointId, path })
  }
  return kept
}
