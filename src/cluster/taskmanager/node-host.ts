/**
 * The adapter that gives the local executor and a task thread what only the process has: its clock, its event loop, its
 * files, its console, V8's flags and random ids.
 */
import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { setFlagsFromString } from 'node:v8'
import { systemClock } from '../../base/core/system-clock.ts'
import { LocalFileSystem } from '../../base/filesystem/local-file-system.ts'
import type { SlotHost } from '../../runtime/task/slot.ts'

export const nodeHost = {
  clock: systemClock,
  fileSystem: new LocalFileSystem(),
  yieldTo: (callback) => void setImmediate(callback),
} satisfies Pick<SlotHost, 'clock' | 'fileSystem' | 'yieldTo'>

/**
 * User functions are larger than V8's budget for inlining into a generated loop (27 against 5 ns a row). Holds for the whole
 * process, for threads that start from now on too.
 */
export function raiseInliningBudget(): void {
  setFlagsFromString('--max-inlined-bytecode-size=8000')
  setFlagsFromString('--max-inlined-bytecode-size-cumulative=30000')
}

/** 32 hex digits, as Flink's job ids. */
export const newJobId = (): string => randomBytes(16).toString('hex')

/** Numbers from 0 to 1. */
export const processRandom = (): number => Math.random()

/** Folder for what serves this process only. */
export const temporaryFolder = tmpdir

export const printLine = (stream: 'stdout' | 'stderr', line: string): void => void process[stream].write(`${line}\n`)

/** Resolves when all that was written to the console so far has left this thread. */
export async function flushConsole(): Promise<void> {
  const flushed = (stream: NodeJS.WriteStream) => new Promise<void>((resolve) => void stream.write('', () => resolve()))
  await Promise.all([flushed(process.stdout), flushed(process.stderr)])
}
