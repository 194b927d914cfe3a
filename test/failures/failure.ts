/**
 * Runs a program that must fail and gives back what a person would read: the text of `headrace run`, with the folder of
 * the program cut off its paths and frames cut to file and line.
 */
import { createRequire } from 'node:module'
import type * as errorTexts from '../../src/front/cli/error-text.ts'
import { type RunOptions, runProgram } from '../support/run-program.ts'

/** The three ways in which a chain runs. */
export const forms = {
  inline: { mode: 'inline', config: {} },
  interpreted: { mode: 'inline', config: { 'execution.codegen': false } },
  threads: { mode: 'threads', config: {} },
} as const

export type Form = keyof typeof forms
export const formNames = Object.keys(forms) as Form[]

/** Not vitest's copy: errors are known by their class. */
const { errorText } = createRequire(import.meta.url)('../../src/front/cli/error-text.ts') as typeof errorTexts

export interface Failure {
  readonly code: string
  readonly place: Record<string, unknown>
  readonly text: string
}

export async function failureOf(text: string, form: Form, options: Partial<RunOptions> = {}): Promise<Failure> {
  const { mode, config } = forms[form]
  let value: unknown
  try {
    ;({ value } = await run(text, { ...options, mode, config: { 'parallelism.default': 1, ...config, ...options.config } }))
  } catch (thrown) {
    const { code, place } = thrown as Failure
    return { code, place, text: readable(errorText(thrown, { verbose: false, ownFolder: new URL('../../', import.meta.url).pathname })) }
  }
  throw new Error(`the program did not fail; it gave ${JSON.stringify(value)}`)
}

/** The same, for a program that works. */
export async function run(text: string, options: Partial<RunOptions> & { readonly form?: Form } = {}) {
  const { form = 'inline', ...rest } = options
  const { mode, config } = forms[form]
  return runProgram(text, { mode, ...rest, config: { 'parallelism.default': 1, ...config, ...rest.config } })
}

const readable = (text: string): string =>
  text
    .replace(/^ +at .*?([\w-]+\.ts:\d+):\d+\)?$/gm, '    at $1')
    .replaceAll(/\/\S*headrace-test-\w+\//g, '')
    .replaceAll(/\.[0-9a-f]{32}-0\.inprogress/g, '.JOB.inprogress')
