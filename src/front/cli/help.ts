/**
 * The texts of `headrace --help` and of each command's help, made from the same tables that the commands are read by.
 */
import { clusterCommands, savepointOptions } from './cluster-help.ts'
import type { OptionSpec } from './parse-options.ts'

export interface CommandSpec {
  readonly name: string
  /** How its line is written, after `headrace `. */
  readonly usage: string
  /** One line, for the list of commands. */
  readonly summary: string
  /** Paragraphs under the usage line. */
  readonly description: string
  readonly options: readonly OptionSpec[]
  readonly examples: readonly (readonly [command: string, what: string])[]
}

export const helpOption: OptionSpec = { names: ['--help', '-h'], doc: 'Show this.' }

const configOption: OptionSpec = {
  names: ['--define', '-D'],
  value: 'key=value',
  many: true,
  doc: "A configuration key, with Flink's names: -D execution.buffer-timeout.interval=5ms.",
}

const parallelismOption: OptionSpec = {
  names: ['--parallelism', '-p'],
  value: 'N',
  doc: 'Subtasks of each operator that sets no number of its own. Default: the cores of this machine.',
}

const modeOption: OptionSpec = {
  names: ['--mode', '-m'],
  value: 'threads|inline',
  doc: 'threads: one worker thread per slot (the default). inline: everything in one thread, for breakpoints; a function that never returns can then be ended from outside only (kill -9).',
}

const checkpointsDoc =
  'Take a checkpoint every 10 s into this folder and restart the job from it when it fails. The last one is kept when the job is cancelled or fails for good.'

const fromOption: OptionSpec = {
  names: ['--from'],
  value: 'PATH|latest',
  doc: 'Go on from a checkpoint or savepoint. latest: the newest one of this job in the folder of --checkpoints, or the beginning if there is none.',
}

const allowLeftOverOption: OptionSpec = {
  names: ['--allow-left-over'],
  doc: 'Drop state of operators that the program does not have any more, which is refused otherwise.',
}

const argumentsText = `Words after -- go to the program. main(env, args) gets them as an object:
  -- words --input a.csv --limit=5 --dry-run   is   { input: 'a.csv', limit: '5', 'dry-run': true, _: ['words'] }`

const localCommands: readonly CommandSpec[] = [
  {
    name: 'run',
    usage: 'run <program> [options] [-- arguments of the program]',
    summary: 'run a program on this machine',
    description: `Runs a program, a .ts, .mts, .js or .mjs file, on this machine until its input ends or ctrl-C.

A program is a module that exports  (env, args) => void  as its default, or a script that calls
getEnvironment() and awaits env.execute(). It needs no build step.

${argumentsText}

The first ctrl-C cancels the job cleanly, a second one stops at once. On a terminal one line on stderr
shows the progress; when stderr is piped it gets warnings, errors, and where a job begins or restarts from.

Exit codes: 0 finished, 1 failed, 2 wrong usage or no such program, 130 interrupted, 143 terminated.`,
    options: [
      parallelismOption,
      modeOption,
      { names: ['--checkpoints'], value: 'DIR', doc: checkpointsDoc },
      fromOption,
      allowLeftOverOption,
      configOption,
      {
        names: ['--json'],
        doc: 'Write what happens as one JSON object a line on stdout: submitted, progress, print, checkpoint, restarting, restarted, warning, finished, failed, canceled.',
      },
      { names: ['--verbose'], doc: 'Show whole stacks, with the frames of headrace and Node.' },
      helpOption,
    ],
    examples: [
      ['headrace run program.ts', 'on all cores'],
      ['headrace run program.ts -p 1 --mode inline', 'in one thread, with breakpoints under node --inspect'],
      ['headrace run program.ts -- --input flights.parquet', 'with an argument of its own'],
      ['headrace run program.ts --checkpoints state --from latest', 'goes on where it was, whatever ended it'],
    ],
  },
  {
    name: 'info',
    usage: 'info <program> [options] [-- arguments of the program]',
    summary: 'show the plan of a program without running it',
    description: `Runs the program's main, but not its job, and prints the plan: vertices (chains of operators that share
a task), their parallelism, and how records travel between them.

${argumentsText}`,
    options: [
      parallelismOption,
      configOption,
      { names: ['--json'], doc: 'Print the plan as JSON.' },
      { names: ['--verbose'], doc: 'Show whole stacks.' },
      helpOption,
    ],
    examples: [
      ['headrace info program.ts', 'for people'],
      ['headrace info program.ts --json | jq .vertices', 'for programs'],
    ],
  },
  {
    name: 'check',
    usage: 'check <program> --from <path> [options] [-- arguments of the program]',
    summary: 'say whether a program can go on from a checkpoint or savepoint',
    description: `Plans the program and compares it with a snapshot; nothing is run. Of each operator it says whether its state
is taken up as it is, evolves, is new and starts empty, is left over or is incompatible.

${argumentsText}

Exit codes: 0 the program can go on from it, 1 it cannot, or one of them cannot be read, 2 wrong usage.`,
    options: [
      fromOption,
      { names: ['--checkpoints'], value: 'DIR', doc: 'Where --from latest looks.' },
      allowLeftOverOption,
      parallelismOption,
      configOption,
      { names: ['--json'], doc: 'Print an array of jobs as JSON.' },
      { names: ['--verbose'], doc: 'Show whole stacks.' },
      helpOption,
    ],
    examples: [
      ['headrace check program.ts --from savepoint-4f2a01-x1', 'before the new version is started'],
      ['headrace check program.ts --checkpoints state --from latest', 'the latest one of its job'],
    ],
  },
  {
    name: 'savepoint',
    usage: 'savepoint inspect|dispose <path> [options], or savepoint trigger <job id>',
    summary: 'look into a checkpoint or savepoint, remove it, or take one',
    description: `inspect shows the operators of a checkpoint or savepoint, and of each state its types, rows, keys and size.
With --state it prints the rows of one state, one JSON object a line.

dispose removes it: its metadata and the files that this names, nothing else.

trigger takes a savepoint of a job that runs on a cluster, and prints its folder.

The path is the folder of a checkpoint (DIR/<job id>/chk-<n>) or of a savepoint, or the _metadata.json in it.

Exit codes: 0 done, 1 it is not there, damaged or cannot be read, 2 wrong usage.`,
    options: [
      {
        names: ['--state'],
        value: 'NAME',
        doc: 'Print the rows of this state; OPERATOR.NAME where several operators have one of the name.',
      },
      ...savepointOptions,
      { names: ['--json'], doc: 'Print as JSON.' },
      { names: ['--verbose'], doc: 'Show whole stacks.' },
      helpOption,
    ],
    examples: [
      ['headrace savepoint inspect checkpoints/4f2a/chk-12', 'what it holds'],
      ['headrace savepoint inspect savepoint-4f2a01-x1 --state totals | jq .value', 'the rows of one state'],
      ['headrace savepoint dispose savepoint-4f2a01-x1', 'removes it'],
      ['headrace savepoint trigger 4f2a01', 'of a job of a cluster'],
    ],
  },
]

export const commands: readonly CommandSpec[] = [...localCommands, ...clusterCommands]

export function mainHelp(): string {
  return `headrace: stream processing for TypeScript, with the architecture of Apache Flink

Usage: headrace <command> [options]

Commands
${columns(commands.map((command) => [command.name, command.summary]))}

Options
${columns([
  ['-h, --help', 'Show this, or the help of a command: headrace run --help.'],
  ['-v, --version', 'Show the version.'],
])}

Start with: headrace run program.ts`
}

export function commandHelp(command: CommandSpec): string {
  const options = command.options.map((option): [string, string] => {
    const names = [...option.names].reverse().join(', ')
    return [option.value === undefined ? names : `${names} ${option.value}`, option.doc]
  })
  return `Usage: headrace ${command.usage}

${command.description}

Options
${columns(options)}

Examples
${columns(command.examples)}`
}

/** Two columns, the second wrapped at 110 characters. */
function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length)) + 2
  return rows.map(([left, right]) => `  ${left.padEnd(width)}${wrap(right, 108 - width).join(`\n${' '.repeat(width + 2)}`)}`).join('\n')
}

function wrap(text: string, width: number): string[] {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!
    if (line !== '' && line.length + 1 + word.length > width) lines.push(word)
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
  }
  return lines
}
