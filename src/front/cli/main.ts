/**
 * The `headrace` command, in the process that runs the program: reads the words of the command line, calls the command and
 * tells the shell how it went. Commands are loaded when they are called, so that --help costs nothing.
 */
import { nearest } from '../../base/core/nearest.ts'
import { errorText } from './error-text.ts'
import { type ExitCode, exitCode, exitCodeOf } from './exit-code.ts'
import { commandHelp, commands, mainHelp } from './help.ts'
import { ownFolder, packageVersion } from './own-package.ts'
import { type ParsedOptions, parseOptions, UsageError } from './parse-options.ts'

export async function main(words: readonly string[]): Promise<ExitCode> {
  const [name, ...rest] = words
  if (name === undefined) {
    process.stderr.write(`${mainHelp()}\n`)
    return exitCode.usage
  }
  if (name === '--version' || name === '-v') return print(packageVersion())
  if (name === '--help' || name === '-h' || (name === 'help' && rest[0] === undefined)) return print(mainHelp())
  const asked = name === 'help' ? rest[0]! : name
  const command = commands.find((one) => one.name === asked)
  if (command === undefined) throw unknownCommand(asked, rest)
  if (name === 'help') return print(commandHelp(command))
  const parsed = parseOptions(rest, command.options)
  if (parsed.options.has('--help')) return print(commandHelp(command))
  return runCommand(command.name, parsed)
}

async function runCommand(name: string, parsed: ParsedOptions): Promise<ExitCode> {
  if (name === 'savepoint') return (await import('./savepoint-command.ts')).savepointCommand(parsed)
  if (name === 'check') return (await import('./check-command.ts')).checkCommand(parsed)
  if (name === 'info') return (await import('./info-command.ts')).infoCommand(parsed)
  if (name === 'run') return (await import('./run-command.ts')).runCommand(parsed)
  return runClusterCommand(name, parsed)
}

async function runClusterCommand(name: string, parsed: ParsedOptions): Promise<ExitCode> {
  if (name === 'cluster') return (await import('./cluster-command.ts')).clusterCommand(parsed)
  if (name === 'jobmanager' || name === 'taskmanager') return (await import('./process-command.ts')).processCommand(name, parsed)
  if (name === 'submit') return (await import('./submit-command.ts')).submitCommand(parsed)
  const { listCommand, cancelCommand, stopCommand } = await import('./job-commands.ts')
  if (name === 'list') return listCommand(parsed)
  return name === 'cancel' ? cancelCommand(parsed) : stopCommand(parsed)
}

function unknownCommand(name: string, rest: readonly string[]): UsageError {
  if (/\.[cm]?[jt]sx?$/.test(name))
    return new UsageError(`${name} is no command`, `Did you mean: headrace run ${[name, ...rest].join(' ')}`)
  if (name.startsWith('-'))
    return new UsageError(`Unknown option ${name}`, 'Options stand after the command: headrace run program.ts --json. See headrace --help.')
  const close = nearest(
    name,
    commands.map((command) => command.name),
  )
  return new UsageError(`There is no command ${name}`, close === undefined ? 'See headrace --help.' : `Did you mean headrace ${close}?`)
}

function print(text: string): ExitCode {
  process.stdout.write(`${text}\n`)
  return exitCode.ok
}

/** Runs the command line of this process and sets its exit code. */
export async function runProcess(): Promise<void> {
  const words = process.argv.slice(2)
  // A reader that leaves, as `| head` does, ends the command without a word.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit(exitCode.readerGone)
  })
  const own = words.slice(0, words.indexOf('--') < 0 ? undefined : words.indexOf('--'))
  try {
    process.exitCode = await main(words)
  } catch (thrown) {
    process.stderr.write(`${errorText(thrown, { verbose: own.includes('--verbose'), ownFolder })}\n`)
    process.exitCode = exitCodeOf(thrown)
  }
}
