/**
 * The program that a person named, checked before anything is loaded: what people hand over instead of a program has an
 * answer of its own.
 */
import { readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { nearest } from '../../base/core/nearest.ts'
import { StreamError } from '../../base/core/stream-error.ts'

const endings = ['.ts', '.mts', '.cts', '.tsx', '.js', '.mjs', '.cjs', '.jsx']

/** The absolute path of the program; throws FILE_NOT_FOUND or INVALID_PROGRAM with what to do instead. */
export function findProgram(name: string): string {
  const file = path.resolve(name)
  const stats = statSync(file, { throwIfNoEntry: false })
  if (stats === undefined) throw notFound(name, file)
  const place = { file, option: 'program' }
  if (stats.isDirectory()) {
    const inside = programsIn(file)
    const named =
      inside.length === 0
        ? 'There is no program in it.'
        : `Name the program in it: ${inside
            .slice(0, 4)
            .map((one) => path.join(name, one))
            .join(', ')}`
    throw new StreamError('INVALID_PROGRAM', `${name} is a folder, not a program`, { hint: named, place })
  }
  const ending = path.extname(file).toLowerCase()
  if (ending === '.jar' || ending === '.class' || ending === '.java' || ending === '.scala' || ending === '.kt') {
    throw new StreamError('INVALID_PROGRAM', `${name} is a program for the JVM; headrace runs TypeScript and JavaScript`, {
      hint: "Rewrite it with the headrace API, which keeps the names of Flink's DataStream API: export default (env) => { ... }",
      place,
    })
  }
  if (!endings.includes(ending)) {
    throw new StreamError(
      'INVALID_PROGRAM',
      `${name} is not a program: ${ending === '' ? 'its name has no ending' : `${ending} is none of ${endings.join(' ')}`}`,
      {
        hint: 'A program is an ES module in TypeScript or JavaScript: export default (env, args) => { ... }',
        place,
      },
    )
  }
  return file
}

function notFound(name: string, file: string): StreamError {
  const folder = path.dirname(file)
  const folderStats = statSync(folder, { throwIfNoEntry: false })
  if (folderStats?.isDirectory() !== true) {
    return new StreamError('FILE_NOT_FOUND', `${name}: there is no folder ${folder}`, {
      hint: `Paths are relative to ${process.cwd()}`,
      place: { file, option: 'program' },
    })
  }
  const programs = programsIn(folder)
  const base = path.basename(file)
  const close = programs.find((one) => path.parse(one).name === base) ?? nearest(base, programs)
  const hint =
    close !== undefined
      ? `Did you mean ${path.join(path.dirname(name), close)}?`
      : programs.length > 0
        ? `The folder has: ${programs.slice(0, 6).join(', ')}${programs.length > 6 ? ', ...' : ''}`
        : `There is no program in ${folder}`
  return new StreamError('FILE_NOT_FOUND', `${name}: there is no such file`, { hint, place: { file, option: 'program' } })
}

const programsIn = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && endings.includes(path.extname(entry.name)) && !entry.name.endsWith('.d.ts'))
    .map((entry) => entry.name)
    .sort()
