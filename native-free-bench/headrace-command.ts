/**
 * Starts `headrace run` on a program of this folder, as a user would: the built command, in a process of its own.
 */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = new URL('../', import.meta.url)

export interface RunOptions {
  readonly program: URL
  readonly parallelism: number
  readonly mode: string
  /** Configuration keys: `execution.codegen=false`. */
  readonly define: readonly string[]
  readonly args: Readonly<Record<string, string | number | undefined>>
}

/** Gives what the program wrote to standard output, or undefined when that went to ours. */
export async function headraceRun(options: RunOptions, output: 'inherit'): Promise<undefined>
export async function headraceRun(options: RunOptions, output: 'pipe'): Promise<string>
export async function headraceRun(
  { program, parallelism, mode, define, args }: RunOptions,
  output: 'inherit' | 'pipe',
): Promise<string | undefined> {
  const command = fileURLToPath(new URL(JSON.parse(readFileSync(new URL('package.json', root), 'utf8')).bin.headrace, root))
  if (!existsSync(command)) throw new Error(`${command} is missing: run npm run build first`)
  const own = Object.entries(args).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}=${value}`]))
  const words = [
    'run',
    fileURLToPath(program),
    '-p',
    String(parallelism),
    '--mode',
    mode,
    ...define.flatMap((entry) => ['-D', entry]),
    '--',
    ...own,
  ]
  const child = spawn(process.execPath, [command, ...words], { stdio: ['ignore', output, 'inherit'] })
  let text = ''
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve))
  if (code !== 0) throw new Error(`headrace ${words.join(' ')} ended with ${code}`)
  return output === 'pipe' ? text : undefined
}
