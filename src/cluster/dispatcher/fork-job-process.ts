/**
 * Starts job processes, an adapter over child_process: a Node of its own with a heap limit, which can be killed whatever it does.
 */
import { fork } from 'node:child_process'
import { StreamError } from '../../base/core/stream-error.ts'
import type { StartProcess } from './job-process.ts'
import type { FromJobProcess } from './job-process-messages.ts'

export interface ForkOptions {
  /** The child's entry, .ts or .js. */
  readonly entry: URL
  readonly heapSizeBytes: number
  /** The user's name for its program, in messages. */
  readonly file: string
  /** What main writes to the console, in whole lines. */
  readonly onLine: (stream: 'stdout' | 'stderr', line: string) => void
}

const keptLines = 40

export function forkJobProcess({ entry, heapSizeBytes, file, onLine }: ForkOptions): StartProcess {
  return (events) => {
    const heapMb = Math.max(32, Math.floor(heapSizeBytes / 1024 / 1024))
    const child = fork(entry, [], {
      serialization: 'advanced',
      execArgv: [`--max-old-space-size=${heapMb}`, '--no-warnings'],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    const last: string[] = []
    const tell = (stream: 'stdout' | 'stderr') => (line: string) => {
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
    child.on('close', (code, signal) => events.exited(exitError(file, code, signal, last, heapMb)))
    return {
      send: (message) => {
        if (child.connected) child.send(message)
      },
      kill: () => void child.kill('SIGKILL'),
    }
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

function exitError(file: string, code: number | null, signal: string | null, last: readonly string[], heapMb: number): StreamError {
  const place = { file }
  if (last.some((line) => line.includes('heap out of memory')))
    return new StreamError('OUT_OF_MEMORY', `The process of ${file} ran out of memory: its heap may have ${heapMb} mb`, {
      hint: 'main, and the enumerators of sources, hold too much at once; or raise job-process.heap-size.',
      place,
      retry: 'never',
    })
  const how = signal === null ? `exited with code ${code}` : `was ended by ${signal}`
  const said = last.filter((line) => line.trim() !== '').slice(-8)
  return new StreamError('USER_FUNCTION_FAILED', `The process of ${file} ${how}${said.length === 0 ? '' : `:\n${said.join('\n')}`}`, {
    hint: 'It runs main and the enumerators of its sources. A call of process.exit(), or an error thrown outside of a call (in a timer, in a promise), ends it.',
    place,
    retry: 'never',
  })
}
