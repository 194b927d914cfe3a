/**
 * `npm run nexmark -- --query q5 --events 100000 ...`: runs one Nexmark query with the built headrace command.
 */
import path from 'node:path'
import { parseArgs } from 'node:util'
import { headraceRun } from '../headrace-command.ts'
import { queries } from './queries/all.ts'
import { defaultBaseTime } from './source.ts'

const help = `npm run nexmark -- --query q5 [options]

  --query Q          ${Object.keys(queries).join(', ')}; source: the generator alone
  --events N         events of all generators together; default 10,000,000
  --rate N           events per second of event time; default 10,000
  --base-time MS     time of the first event; default ${defaultBaseTime}
  --generators N     default: the parallelism. Results of several generators differ by design
  --parallelism N    default 2
  --mode M           threads (default) or inline
  --define K=V       a configuration key, such as execution.codegen=false; may be repeated
  --output FILE      write the final rows, one JSON array a line; without it they are discarded and speed is printed
  --json             print the speed as JSON`

function wholeNumber(name: string, text: string): number {
  const value = Number(text.replaceAll('_', ''))
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`--${name} is '${text}', not a whole number from 1`)
  return value
}

async function main(): Promise<void> {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    options: {
      query: text,
      events: { ...text, default: '10000000' },
      rate: { ...text, default: '10000' },
      'base-time': { ...text, default: String(defaultBaseTime) },
      generators: text,
      parallelism: { ...text, default: '2' },
      mode: { ...text, default: 'threads' },
      define: { ...text, multiple: true, default: [] },
      output: text,
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return void process.stdout.write(`${help}\n`)
  if (values.query === undefined || (queries[values.query] === undefined && values.query !== 'source'))
    throw new Error(`--query is ${values.query ?? 'missing'}; it is one of ${Object.keys(queries).join(', ')}`)
  await headraceRun(
    {
      program: new URL('program.ts', import.meta.url),
      parallelism: wholeNumber('parallelism', values.parallelism),
      mode: values.mode,
      define: values.define,
      args: {
        query: values.query,
        events: wholeNumber('events', values.events),
        rate: wholeNumber('rate', values.rate),
        'base-time': wholeNumber('base-time', values['base-time']),
        generators: values.generators === undefined ? undefined : wholeNumber('generators', values.generators),
        output: values.output === undefined ? undefined : path.resolve(values.output),
        json: values.json ? 'true' : undefined,
      },
    },
    'inherit',
  )
}

try {
  await main()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
