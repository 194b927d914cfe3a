/**
 * The programs of the pages in docs/, with what stands around them: blocks with a file's name before a program are its input
 * files, those behind it what it writes, and the text block behind it what it prints (or, for `ts fails`, what the command says of its error).
 */
import { readFileSync } from 'node:fs'

export interface PageProgram {
  /** Heading it stands under. */
  readonly title: string
  readonly code: string
  readonly fails: boolean
  readonly inputs: ReadonlyMap<string, string>
  readonly outputs: ReadonlyMap<string, string>
  readonly text: string | undefined
}

export const pages = [
  'getting-started',
  'datastream-api',
  'event-time',
  'state-and-timers',
  'connectors',
  'types-and-schemas',
  'running',
  'checkpoints',
]

export const pageOf = (page: string): string => readFileSync(new URL(`../../docs/${page}.md`, import.meta.url), 'utf8')

export function programsOf(page: string): PageProgram[] {
  const programs: PageProgram[] = []
  for (const section of pageOf(page).split(/^## /m)) {
    let inputs = new Map<string, string>()
    let current: { outputs: Map<string, string>; text: string | undefined } | undefined
    for (const [, info, body] of section.matchAll(/^```([^\n]*)\n(.*?)^```$/gms)) {
      const [language, name] = info!.split(' ')
      if (language === 'ts') {
        const outputs = new Map<string, string>()
        const program = { title: section.split('\n')[0]!, code: body!, fails: name === 'fails', inputs, outputs, text: undefined }
        current = program
        programs.push(program)
        inputs = new Map()
      } else if (language === 'text' && current !== undefined) current.text = body
      else if (name?.startsWith('in/')) inputs.set(name, body!)
      else if (name !== undefined) current?.outputs.set(name, body!)
    }
  }
  return programs
}
