/**
 * The adapter that gives the local executor and a task thread what only the process has: its clock, its event loop, its
 * files, its console and random ids.
 */
import { randomBytes } from 'node:crypto'
import { systemClock } from '../../base/core/system-clock.ts'
import { LocalFileSystem } from '../../base/filesystem/local-file-system.ts'
import type { SlotHost } from '../../runtime/task/slot.ts'

export const nodeHost = {
  clock: systemClock,
  fileSystem: new LocalFileSystem(),
  yieldTo: (callback) => void setImmediate(callback),
} satisfies Pick<SlotHost, 'clock' | 'fileSystem' | 'yieldTo'>

/** 32 hex digits, as Flink's job ids. */
export const newJobId = (): string => randomBytes(16).toString('hex')

export const printLine = (stream: 'stdout' | 'stderr', line: string): void => void process[stream].write(`${line}\n`)

/** Resolves when all that was written to the console so far has left this thread. */
export async function flushConsole(): Promise<void> {
  const flushed = (stream: NodeJS.WriteStream) => new Promise<void>((resolve) => void stream.write('', () => resolve()))
  await Promise.all([flushed(process.stdout), flushed(process.stderr)])
}
