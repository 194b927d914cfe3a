/**
 * The commands that start clusters and talk to them, as help.ts has those of this machine.
 */
import type { CommandSpec } from './help.ts'
import type { OptionSpec } from './parse-options.ts'

const help: OptionSpec = { names: ['--help', '-h'], doc: 'Show this.' }
const verbose: OptionSpec = { names: ['--verbose'], doc: 'Show whole stacks.' }
const json: OptionSpec = { names: ['--json'], doc: 'Print as JSON.' }
const at: OptionSpec = {
  names: ['--cluster'],
  value: 'URL',
  doc: 'Its REST address. Default: the cluster that `headrace cluster start` began here, else http://127.0.0.1:8081.',
}
const define: OptionSpec = {
  names: ['--define', '-D'],
  value: 'key=value',
  many: true,
  doc: 'A configuration key, over the file: -D rest.port=8082.',
}
const config: OptionSpec = { names: ['--config'], value: 'FILE', doc: "The cluster's configuration, a headrace.yaml with Flink's keys." }
const directory: OptionSpec = {
  names: ['--savepoint-dir'],
  value: 'DIR',
  doc: "Folder in which the savepoint's own is made. Default: execution.checkpointing.savepoint-dir.",
}
const common = [at, json, verbose, help]

const process = (name: 'jobmanager' | 'taskmanager', what: string, description: string): CommandSpec => ({
  ...{ name, usage: `${name} [--config headrace.yaml] [-D key=value]`, summary: what },
  description,
  options: [config, define, verbose, help],
  examples: [[`headrace ${name} --config headrace.yaml`, 'in the foreground, until ctrl-C']],
})

export const clusterCommands: readonly CommandSpec[] = [
  {
    name: 'cluster',
    usage: 'cluster start|stop [options]',
    summary: 'start or stop a cluster on this machine',
    description: `start begins a JobManager and a TaskManager with a slot for each core, in the background, waits until all
slots are registered and prints the REST address. stop ends them, and the jobs with them.

Both listen on the loopback address. Logs and the file that tells where the cluster is lie in ~/.headrace,
or in the folder that HEADRACE_HOME names.`,
    options: [{ names: ['--taskmanagers'], value: 'N', doc: 'How many TaskManagers. Default: 1.' }, config, define, json, verbose, help],
    examples: [
      ['headrace cluster start', 'one slot a core'],
      ['headrace cluster start -D taskmanager.numberOfTaskSlots=2', 'two slots'],
      ['headrace cluster stop', 'ends it'],
    ],
  },
  process(
    'jobmanager',
    'run the JobManager of a cluster in this process',
    `Runs the JobManager: it takes programs, runs their jobs on the TaskManagers that register, and serves REST.

It listens on 127.0.0.1 unless jobmanager.bind-host says otherwise, and then only with security.deploy-token or TLS.
REST listens on rest.bind-address, on other addresses than this machine's own only with TLS.`,
  ),
  process(
    'taskmanager',
    'run a TaskManager in this process',
    `Runs a TaskManager, which registers its slots (taskmanager.numberOfTaskSlots) with the JobManager at
jobmanager.rpc.address and jobmanager.rpc.port, and runs what it is given.`,
  ),
  {
    name: 'submit',
    usage: 'submit <program> [options] [-- arguments of the program]',
    summary: 'run a program on a cluster',
    description: `Sends a program with all that it imports to the cluster, which runs its main in a process of its own and its
jobs on the TaskManagers. Waits for the end of its first job and shows its progress; ctrl-C leaves the job running.

Exit codes: 0 finished, 1 failed or cancelled, 2 wrong usage or no such program.`,
    options: [
      { names: ['--detach', '-d'], doc: 'Do not wait: print the id of the job.' },
      { names: ['--parallelism', '-p'], value: 'N', doc: 'Subtasks of each operator that sets no number of its own. Default: 1.' },
      { names: ['--from'], value: 'PATH', doc: 'Go on from a checkpoint or savepoint.' },
      { names: ['--allow-left-over'], doc: 'Drop state of operators that the program does not have any more.' },
      define,
      ...common,
    ],
    examples: [
      ['headrace submit program.ts', 'waits for its end'],
      ['headrace submit program.ts --detach -- --input flights.csv', 'with an argument of its own'],
    ],
  },
  {
    name: 'list',
    usage: 'list [options]',
    summary: 'show the jobs of a cluster',
    description: 'Shows the jobs that run, then those that have ended as far as they are remembered.',
    options: [{ names: ['--running'], doc: 'Only those that have not ended.' }, ...common],
    examples: [['headrace list', 'id, state, since when, name']],
  },
  {
    name: 'cancel',
    usage: 'cancel <job id> [options]',
    summary: 'cancel a job of a cluster',
    description: 'Cancels the job and waits until nothing of it runs. The first letters of an id are enough, where they name one job.',
    options: common,
    examples: [['headrace cancel 4f2a01', 'without a savepoint']],
  },
  {
    name: 'stop',
    usage: 'stop <job id> [options]',
    summary: 'stop a job of a cluster with a savepoint',
    description: "Takes a savepoint behind which nothing runs, ends the job as FINISHED and prints the savepoint's folder.",
    options: [
      { names: ['--drain'], doc: 'Input ends as if it had been bounded, so that windows fire. Do not go on from such a savepoint.' },
      directory,
      ...common,
    ],
    examples: [['headrace stop 4f2a01 --savepoint-dir /data/savepoints', 'and go on later: headrace submit program.ts --from PATH']],
  },
]

export const savepointOptions: readonly OptionSpec[] = [directory, at]
