/**
 * The entry of a process that runs a program inline, on real files and by the real clock, and that the kernel kills (SIGKILL, which it
 * sends to itself) at the nth moment of a phase: at a reading of the clock, a file operation or a call of user code, in the midst of whatever called it.
 * `node test/torture/mortal-process.ts ARGS`, ARGS being a MortalLife as JSON. Exits with 0 when the job has finished.
 */
import type { Config } from '../../src/base/core/config-options.ts'
import { LocalFileSystem } from '../../src/base/filesystem/local-file-system.ts'
import { localExecutor } from '../../src/cluster/local/local-executor.ts'
import { nodeHost } from '../../src/cluster/taskmanager/node-host.ts'
import { Environment } from '../../src/program/api/environment.ts'
import { runSlot } from '../../src/runtime/task/run-slot.ts'
import type { RunningSlot } from '../../src/runtime/task/slot.ts'
import { runTorture, type TortureArgs } from '../fixtures/programs/torture.ts'
import { FaultyFileSystem } from '../support/faulty-file-system.ts'
import { type Phase, phaseOfFile, phasesOfTasks } from './phases.ts'
import type { Kill } from './simulated-process.ts'

export interface MortalLife {
  readonly args: TortureArgs
  readonly config: Config
  /** Folder of the checkpoints. */
  readonly checkpoints: string
  readonly isRestored: boolean
  /** Absent: it lives until the job has finished. */
  readonly kill?: Kill
}

const { args, config, checkpoints, isRestored, kill } = JSON.parse(process.argv[2]!) as MortalLife
const slots = new Set<RunningSlot>()
let moments = 0

function moment(phases: Iterable<Phase>): void {
  for (const phase of phases) if (phase === kill?.phase && moments++ === kill.nth) die()
}

function die(): never {
  process.kill(process.pid, 'SIGKILL')
  for (;;);
}

const executor = localExecutor({
  mode: 'inline',
  clock: {
    ...nodeHost.clock,
    elapsed() {
      moment(phasesOfTasks(slots, isRestored))
      return nodeHost.clock.elapsed()
    },
  },
  fileSystem: new FaultyFileSystem(new LocalFileSystem(), ({ action, path }) => {
    const phase = phaseOfFile(action, path, checkpoints)
    if (phase !== undefined) moment([phase])
    return undefined
  }),
  runSlot(deployment, graph, host) {
    const slot = runSlot(deployment, graph, host)
    slots.add(slot)
    void slot.done.then(() => slots.delete(slot))
    return slot
  },
  print: () => {},
})

await runTorture(new Environment({ config, executor: async () => executor }), args, (place) =>
  moment(place === 'commit' || place === 'snapshot' ? [place] : phasesOfTasks(slots, isRestored)),
)
