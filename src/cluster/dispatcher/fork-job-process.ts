/**
 * Starts job processes, an adapter over child_process: a Node of its own with a heap limit, which can be killed whatever it does.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { StreamError } from '../../base/core/stream-error.ts'
import type { ProcessEvents, StartedProcess, StartProcess } from './job-process.ts'
import type { FromJobProcess } from './job-process-messages.ts'

export interface ForkOptions {
  /** The child's entry, .ts or .js. */
  readonly entry: URL
  readonly heapSizeBytes: number
}

export interface JobProcesses {
  /** `file` is the user's name for the program, in messages; `onLine` hears what it writes to the console, in whole lines. */
  start(file: string, onLine: (stream: 'stdout' | 'stderr', line: string) => void): StartProcess
  /** Starts no more, and ends the one that waits. */
  close(): void
}

const keptLines = 40

/** One process waits for the next program, so that a submitted one does not wait for Node. */
export function jobProcesses({ entry, heapSizeBytes }: ForkOptions): JobProcesses {
  const heapMb = Math.max(32, Math.floor(heapSizeBytes / 1024 / 1024))
  let spare: ChildProcess | undefined
  let isClosed = false
  const begin = (): ChildProcess =>
    fork(entry, [], {
      serialization: 'advanced',
      execArgv: [`--max-old-space-size=${heapMb}`, '--no-warnings'],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
  const prepare = (): void => {
    if (isClosed || spare !== undefined) return
    const child = begin()
    spare = child
    // The next program has a process of its own begun.
    const gone = (): void => void (spare === child && (spare = undefined))
    child.once('exit', gone)
    child.once('error', gone)
  }
  prepare()
  return {
    start: (file, onLine) => (events) => {
      const child = spare ?? begin()
      spare = undefined
      // Not beside this one's start.
      setTimeout(prepare, spareDelayMs).unref()
      return watched(child, { file, onLine, heapMb }, events)
    },
    close() {
      isClosed = true
      spare?.kill('SIGKILL')
    },
  }
}

const spareDelayMs = 1000

interface Watched {
  readonly file: string
  readonly onLine: (stream: 'stdout' | 'stderr', line: string) => void
  readonly heapMb: number
}

function watched(child: ChildProcess, { file, onLine, heapMb }: Watched, events: ProcessEvents): StartedProcess {
  const last: string[] = []
  let outOfMemory = false
  const tell = (stream: 'stdout' | 'stderr') => (line: string) => {
    // V8 says it ahead of a long trace of its own.
    outOfMemory ||= stream === 'stderr' && line.includes('heap out of memory')
    if (stream === 'stderr' && last.push(line) > keptLines) last.shift()
    onLine(stream, line)
  }
  onLines(child.stdout!, tell('stdout'))
  onLines(child.stderr!, tell('stderr'))
  child.on('message', (message) => events.message(message as FromJobProcess))
  child.on('error', (thrown) => {
    // Of a child that runs, sending to it failed: its exit says more.
    if (child.pid === undefined) events.exited(StreamError.from(thrown, 'IO_FAILED', { place: { file } }))
  })
  // Behind all that it said and wrote.
  child.on('close', (code, signal) => events.exited(outOfMemory ? noMemory(file, heapMb) : exitError(file, code, signal, last)))
  return {
    send: (message) => {
      if (child.connected) child.send(message)
    },
    kill: () => void child.kill('SIGKILL'),
  }
}

function onLines(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop()!
    for (const line of lines) onLine(line)
  })
  stream.on('end', () => {
    if (rest !== '') onLine(rest)
  })
}

const noMemory = (file: string, heapMb: number): StreamError =>
  new StreamError('OUT_OF_MEMORY', `The process of ${file} ran out of memory: its heap may have ${heapMb} mb`, {
    hint: 'main, and the enumerators of sources, hold too much at once; or raise job-process.heap-size.',
    place: { file },
    retry: 'never',
  })

function exitError(file: string, code: number | null, signal: string | null, last: readonly string[]): StreamError {
  const how = signal === null ? `exited with code ${code}` : `was ended by ${signal}`
  const said = last.filter((line) => line.trim() !== '').slice(-8)
  return new StreamError('USER_FUNCTION_FAILED', `The process of ${file} ${how}${said.length === 0 ? '' : `:\n${said.join('\n')}`}`, {
    hint: 'It runs main and the enumerators of its sources. A call of process.exit(), or an error thrown outside of a call (in a timer, in a promise), ends it.',
    place: { file },
    retry: 'never',
  })
}
