/**
 * A job of a source and a sink whose attempts end where a test says, down to a single operation on a file. Rows are numbers 0, 1, ...;
 * row i goes to subtask i mod parallelism. Some checkpoints are never complete, some completions are never told.
 */
import { ManualClock } from '../../src/base/core/clock.ts'
import type { FileSystem } from '../../src/base/filesystem/file-system.ts'
import type { Sink } from '../../src/program/function/sink.ts'
import { type FaultPlan, FaultyFileSystem } from './faulty-file-system.ts'
import { dealSnapshots, type SinkSnapshot, SinkTask } from './sink-driver.ts'

export interface SinkJobOptions<T> {
  readonly sink: Sink<T, any, any>
  readonly rows: number
  readonly rowOf: (i: number) => T
  readonly rowsPerCheckpoint: number
  /** By attempt; the last one stays. */
  readonly parallelism: readonly number[]
  /** Processing time that passes before each checkpoint. */
  readonly checkpointMs?: number
}

interface CompletedCheckpoint {
  readonly checkpointId: number
  readonly position: number
  readonly snapshots: readonly SinkSnapshot[]
}

export class SinkJob<T> {
  readonly options: SinkJobOptions<T>
  readonly files: FileSystem
  readonly clock = new ManualClock(Date.UTC(2026, 0, 5, 12))
  /** Last completed checkpoint. */
  completed: CompletedCheckpoint | undefined
  attempts = 0
  #nextCheckpointId = 1

  constructor(files: FileSystem, options: SinkJobOptions<T>) {
    this.files = files
    this.options = options
  }

  /**
   * Runs an attempt until it ends well (true) or fails (false). A process that the plan lets die leaves everything as it is; one
   * whose operation fails closes its operators. `disk` sees the attempt's operations.
   */
  async attempt(plan: FaultPlan = () => undefined, onDisk: (disk: FaultyFileSystem) => void = () => {}): Promise<boolean> {
    const disk = new FaultyFileSystem(this.files, plan)
    onDisk(disk)
    const { parallelism } = this.options
    const width = parallelism[Math.min(this.attempts, parallelism.length - 1)]!
    const attemptNumber = this.attempts++
    const { completed } = this
    const dealt = completed && dealSnapshots(completed.snapshots, width, completed.checkpointId)
    const tasks = Array.from(
      { length: width },
      (_, subtaskIndex) =>
        new SinkTask<T>(this.options.sink, {
          ...{ fileSystem: disk, clock: this.clock, subtaskIndex, parallelism: width, attemptNumber },
          ...(dealt && { restored: { ...dealt[subtaskIndex]!, checkpointId: completed.checkpointId } }),
        }),
    )
    try {
      for (const task of tasks) await task.open()
      await this.#run(tasks, completed?.position ?? 0, disk)
      for (const task of tasks) await task.operator.close()
      return true
    } catch (error) {
      if (disk.isDead) return false
      if (!disk.hasFailed) throw error
      for (const task of tasks) await task.operator.close().catch(() => undefined)
      return false
    }
  }

  async #run(tasks: readonly SinkTask<T>[], from: number, disk: FaultyFileSystem): Promise<void> {
    const { rows, rowOf, rowsPerCheckpoint } = this.options
    for (let i = from; i < rows; i++) {
      await tasks[i % tasks.length]!.write(rowOf(i))
      if ((i + 1) % rowsPerCheckpoint === 0) await this.#checkpoint(tasks, i + 1, disk, false)
    }
    for (const task of tasks) await task.operator.endInput()
    await this.#checkpoint(tasks, rows, disk, true)
  }

  async #checkpoint(tasks: readonly SinkTask<T>[], position: number, disk: FaultyFileSystem, isLast: boolean): Promise<void> {
    this.clock.advance(this.options.checkpointMs ?? 0)
    const checkpointId = this.#nextCheckpointId++
    const snapshots: SinkSnapshot[] = []
    for (const task of tasks) {
      snapshots.push(await task.checkpoint(checkpointId))
      // The process may die between the acknowledgements, and ahead of what follows: a look at the disk is an operation to die at.
      await disk.status('/acknowledged')
    }
    // Every third is given up by the coordinator.
    if (!isLast && checkpointId % 3 === 0) return
    this.completed = { checkpointId, position, snapshots }
    for (const task of tasks) {
      await disk.status('/complete')
      // Every fourth is never told to the first subtask.
      if (isLast || checkpointId % 4 !== 0 || task !== tasks[0]) await task.complete(checkpointId)
    }
  }
}

/** All files below a folder: what readers see, and what is hidden. */
export async function filesBelow(
  fileSystem: FileSystem,
  folder: string,
): Promise<{ readonly visible: string[]; readonly hidden: string[] }> {
  const found: { visible: string[]; hidden: string[] } = { visible: [], hidden: [] }
  if ((await fileSystem.status(folder)) === undefined) return found
  for (const { path, isDirectory } of await fileSystem.list(folder)) {
    if (isDirectory) {
      const below = await filesBelow(fileSystem, path)
      found.visible.push(...below.visible)
      found.hidden.push(...below.hidden)
    } else found[/\/\.[^/]*$/.test(path) ? 'hidden' : 'visible'].push(path)
  }
  return found
}
