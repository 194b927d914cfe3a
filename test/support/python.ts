/**
 * Python with packages from PyPI, for tests that other programs read what headrace wrote. The virtual environment is made on first
 * use and kept in node_modules/.cache; where there is no Python or no network, `missing` says why.
 */
import { execFile } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const exec = promisify(execFile)
const packages = ['pyarrow==26.0.1', 'duckdb==2.0.0', 'cbor2==6.3.0']
const folder = fileURLToPath(new URL('../../node_modules/.cache/headrace-python', import.meta.url))
const python = `${folder}/bin/python`
/** Written when all packages are there: an installation that was interrupted is made again. */
const complete = `${folder}/${packages.join(' ')}`

export interface Python {
  /** Why there is none. */
  readonly missing?: string
  /** What the program prints. Rejects with its error. */
  run(program: string, cwd: string): Promise<string>
}

export async function preparePython(): Promise<Python> {
  const run = async (program: string, cwd: string) => (await exec(python, ['-c', program], { cwd })).stdout
  if (existsSync(complete)) return { run }
  try {
    rmSync(folder, { recursive: true, force: true })
    await exec('python3', ['-m', 'venv', folder])
    const options = ['--quiet', '--disable-pip-version-check', '--retries', '1', '--timeout', '20']
    await exec(python, ['-m', 'pip', 'install', ...options, ...packages])
    writeFileSync(complete, '')
    return { run }
  } catch (error) {
    return { run, missing: `no Python with ${packages.join(', ')}: ${(error as Error).message.split('\n').slice(0, 3).join(' ')}` }
  }
}
