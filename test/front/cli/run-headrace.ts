/**
 * Runs the command line from its sources in a process of its own, as a user would.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../..', import.meta.url))

export interface Ended {
  readonly stdout: string
  readonly stderr: string
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  /** Resolves when stdout has held the text. */
  saw(text: string): Promise<void>
}

export function start(args: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
  const child = spawn(process.execPath, ['src/front/cli/headrace.ts', ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  const waiting: { text: string; resolve: () => void }[] = []
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk
    for (const { text, resolve } of waiting) if (stdout.includes(text)) resolve()
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk))
  const ended = new Promise<Ended>((resolve) => child.on('close', (code, signal) => resolve({ stdout, stderr, code, signal })))
  const saw = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      if (stdout.includes(text)) resolve()
      waiting.push({ text, resolve })
      void ended.then(() => reject(new Error(`ended without '${text}': ${stdout}${stderr}`)))
    })
  return { child, ended, saw }
}

export const headrace = (...args: string[]): Promise<Ended> => start(args).ended

export const program = (name: string): string => `test/fixtures/programs/run/${name}.ts`
