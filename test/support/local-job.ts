/**
 * Jobs as a program starts them, inline in the test's own thread, over files of the test's choice: Environment, plan, JobMaster, slots and
 * tasks are the real ones.
 */
import type { Clock } from '../../src/base/core/clock.ts'
import type { Config, ConfigInput } from '../../src/base/core/config-options.ts'
import type { FileSystem } from '../../src/base/filesystem/file-system.ts'
import { MemoryFileSystem } from '../../src/base/filesystem/memory-file-system.ts'
import { localExecutor } from '../../src/cluster/local/local-executor.ts'
import { Environment } from '../../src/program/api/environment.ts'
import type { JobClient, JobEvent } from '../../src/program/api/executor.ts'

export interface LocalJobOptions {
  readonly fileSystem?: FileSystem
  readonly config?: ConfigInput
  readonly clock?: Clock
}

export interface LocalJob {
  readonly client: JobClient
  /** All that were told since it began. */
  readonly events: readonly JobEvent[]
  /** Resolves with the first event, also of those before, that `matches`. */
  event(matches: (event: JobEvent) => boolean): Promise<JobEvent>
}

/** Checkpoints are only taken when asked for, restarts come at once. */
export const onDemand: Config = {
  'execution.checkpointing.interval': 3_600_000,
  'execution.checkpointing.dir': '/checkpoints',
  'execution.checkpointing.savepoint-dir': '/savepoints',
  'restart-strategy.type': 'fixed-delay',
  'restart-strategy.fixed-delay.attempts': 1_000_000,
  'restart-strategy.fixed-delay.delay': 1,
}

export async function startJob(build: (env: Environment) => void, options: LocalJobOptions = {}): Promise<LocalJob> {
  const { fileSystem = new MemoryFileSystem(), config = {}, clock } = options
  const executor = localExecutor({ mode: 'inline', fileSystem, print: () => {}, ...(clock && { clock }) })
  const env = new Environment({ executor: async () => executor }).configure({ ...onDemand, ...config })
  build(env)
  const client = await env.executeAsync('the job')
  const events: JobEvent[] = []
  let waiting: { readonly matches: (event: JobEvent) => boolean; readonly resolve: (event: JobEvent) => void }[] = []
  client.onEvent((event) => {
    events.push(event)
    for (const { matches, resolve } of waiting) if (matches(event)) resolve(event)
    waiting = waiting.filter(({ matches }) => !matches(event))
  })
  return {
    client,
    events,
    event(matches) {
      const earlier = events.find(matches)
      return earlier !== undefined ? Promise.resolve(earlier) : new Promise((resolve) => void waiting.push({ matches, resolve }))
    },
  }
}

/** Takes checkpoints until one succeeds: right after its start a job cannot. */
export async function checkpointOf({ client }: LocalJob): Promise<string> {
  return soon(client, () => client.triggerCheckpoint())
}

/** Until `ask` is not told any more that the job cannot do it now. */
export async function soon<R>(client: JobClient, ask: () => Promise<R>): Promise<R> {
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if ((error as { code?: string }).code !== 'CHECKPOINT_DECLINED' || ended.includes(client.status)) throw error
      await turn()
    }
  }
}

const ended: readonly string[] = ['FINISHED', 'CANCELED', 'FAILED']

/** Lets everything else have its turn. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Turns pass until it holds. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await turn()
}

/** All files and folders below a folder, with the bytes of files in hexadecimal; none where it does not exist. */
export async function contentOf(fileSystem: FileSystem, folder: string): Promise<Readonly<Record<string, string>>> {
  if ((await fileSystem.status(folder)) === undefined) return {}
  let content: Record<string, string> = {}
  for (const { path, isDirectory, sizeBytes } of await fileSystem.list(folder)) {
    if (isDirectory) content = { ...content, [path]: 'folder', ...(await contentOf(fileSystem, path)) }
    else {
      const reader = await fileSystem.open(path)
      content[path] = Buffer.from(await reader.read(0, sizeBytes)).toString('hex')
      await reader.close()
    }
  }
  return content
}
