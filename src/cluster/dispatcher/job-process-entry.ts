/**
 * Where a job process begins, an adapter: a child of the JobManager, which it talks to by Node's IPC. What main and the enumerators throw
 * outside of their calls ends it, and with it the program's own jobs.
 */
import { bundleBytes } from '../../base/bundle/bundle-bytes.ts'
import { installHeadraceResolution } from '../../base/bundle/headrace-resolution.ts'
import { loadProgram } from '../../base/bundle/load-program.ts'
import { ownModule } from '../../base/bundle/own-module.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import { systemClock } from '../../base/core/system-clock.ts'
import { LocalFileSystem } from '../../base/filesystem/local-file-system.ts'
import { programMain } from '../../program/api/program-main.ts'
import type { Main } from '../../program/api/run-main.ts'
import { HostedProgram } from './hosted-program.ts'
import type { ProgramToRun, ToJobProcess } from './job-process-messages.ts'

installHeadraceResolution(ownModule('index'))

const program = new HostedProgram({
  clock: systemClock,
  fileSystem: new LocalFileSystem(),
  send: (message) => void process.send?.(message),
  load,
  exit: () => process.exit(0),
})
process.on('message', (message: ToJobProcess) => program.receive(message))
// Without the JobManager nobody wants to know.
process.on('disconnect', () => process.exit(0))

async function load({
  bytes,
  file,
  entry,
}: ProgramToRun): Promise<Awaited<ReturnType<ConstructorParameters<typeof HostedProgram>[0]['load']>>> {
  const placed = await bundleBytes(bytes, file, entry)
  const run = programMain({ url: placed.url, file })
  const main: Main = async (env, args) => {
    await run(env, args)
    if (env.executions > 0 || env.hasPendingOperators) return
    const { exports } = await loadProgram(placed.url, file)
    throw new StreamError(
      'INVALID_PROGRAM',
      `${file}: main ended without a job${exports.length === 0 ? '' : ` (it exports ${exports.join(', ')})`}`,
      {
        hint: 'Read a source and give its stream to a sink, as in env.fromSequence(1, 10).print()',
        place: { file },
      },
    )
  }
  return { main, bytes: placed.bytes, warnings: placed.warnings }
}
