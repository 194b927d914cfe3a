import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
let project: string
let files: string[]

const program = `import type { Environment, Main } from 'headrace'

type Word = { word: string; at: number }

const main: Main<{ greeting: string }> = (env: Environment, args) => {
  const rows: Word[] = [{ word: args.greeting, at: 1 }, { word: args.greeting, at: 2 }]
  env.fromData(rows).map((row) => row.word + '!').print()
}

export default main
`

/** Builds and packs what npm would publish, and installs it into a project that has nothing but a program. */
beforeAll(() => {
  const staging = mkdtempSync(path.join(tmpdir(), 'headrace-staging-'))
  project = mkdtempSync(path.join(tmpdir(), 'headrace-package-'))
  try {
    execFileSync(process.execPath, ['.build/build.mjs', '--out', path.join(staging, 'dist')], { cwd: root, stdio: 'inherit' })
    for (const file of ['package.json', 'README.md', 'LICENSE']) cpSync(`${root}${file}`, path.join(staging, file))
    const packed = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', project], {
      cwd: staging,
      encoding: 'utf8',
    })
    const [{ filename, files: list }] = JSON.parse(packed) as [{ filename: string; files: { path: string }[] }]
    files = list.map((file) => file.path)
    writeFileSync(path.join(project, 'package.json'), '{ "name": "somebody", "private": true, "type": "module" }\n')
    execFileSync('npm', ['install', '--no-save', '--prefer-offline', `./${filename}`], {
      cwd: project,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    writeFileSync(path.join(project, 'program.ts'), program)
  } finally {
    rmSync(staging, { recursive: true, force: true })
  }
}, 180_000)

afterAll(() => rmSync(project, { recursive: true, force: true }))

const headrace = (args: readonly string[], node = process.execPath) =>
  spawnSync(node, [path.join(project, 'node_modules/.bin/headrace'), ...args], { cwd: project, encoding: 'utf8' })

/** The machine's own Node, where it is another than the one of these tests. */
function otherNodes(): { readonly node: string; readonly version: string }[] {
  return (process.env.PATH ?? '')
    .split(path.delimiter)
    .filter((folder) => !folder.includes('node_modules'))
    .map((folder) => path.join(folder, 'node'))
    .filter((node) => existsSync(node))
    .map((node) => ({ node, version: execFileSync(node, ['--version'], { encoding: 'utf8' }).trim().slice(1) }))
}

const tooOld = otherNodes().find(({ version }) => Number.parseInt(version, 10) < 24)

test.each(['threads', 'inline'])('a program runs from the installed package: %s', (mode) => {
  const { stdout, stderr, status } = headrace(['run', 'program.ts', '--mode', mode, '-p', '1', '--', '--greeting', 'hello'])
  expect(stderr).toBe('')
  expect(stdout).toBe('hello!\nhello!\n')
  expect(status).toBe(0)
})

test('a script runs under node itself', () => {
  writeFileSync(
    path.join(project, 'script.ts'),
    "import { getEnvironment } from 'headrace'\nconst env = getEnvironment()\nenv.fromSequence(1, 3).print()\nawait env.execute()\n",
  )
  const { stdout, status } = spawnSync(process.execPath, ['script.ts'], { cwd: project, encoding: 'utf8' })
  expect(stdout).toBe('1\n2\n3\n')
  expect(status).toBe(0)
})

test('headrace/testing runs the example of docs/testing.md, with types', () => {
  const page = readFileSync(`${root}docs/testing.md`, 'utf8')
  const [, code, output] = /^```ts\n(.*?)^```\n\n```text\n(.*?)^```/ms.exec(page)!
  writeFileSync(path.join(project, 'silence.ts'), code!)
  const { stdout, stderr } = spawnSync(process.execPath, ['silence.ts'], { cwd: project, encoding: 'utf8' })
  expect(stderr).toBe('')
  expect(stdout).toBe(output)
  expect(typeErrors('silence.ts')).toBe('')
  writeFileSync(path.join(project, 'wrong-test.ts'), code!.replace("keyBy: 'sensor'", "keyBy: 'senzor'"))
  expect(typeErrors('wrong-test.ts')).toContain('senzor')
})

test('its version is that of the package', () => {
  const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { version: string }
  expect(headrace(['--version']).stdout).toBe(`${version}\n`)
})

/** What TypeScript says of a file of the project, the package's declarations included. */
function typeErrors(file: string): string {
  const options = [
    '--noEmit',
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2024',
    '--types',
    'node',
    '--typeRoots',
    `${root}node_modules/@types`,
  ]
  return spawnSync(process.execPath, [`${root}node_modules/typescript/bin/tsc`, ...options, file], { cwd: project, encoding: 'utf8' })
    .stdout
}

test('the program type-checks against the declarations that come with the package', () => {
  expect(typeErrors('program.ts')).toBe('')
})

test('a wrong field name is a type error for the user', () => {
  writeFileSync(path.join(project, 'wrong.ts'), program.replace("row.word + '!'", "row.wrod + '!'"))
  const { stdout } = spawnSync(
    process.execPath,
    [`${root}node_modules/typescript/bin/tsc`, '--noEmit', '--strict', '--module', 'nodenext', '--skipLibCheck', 'wrong.ts'],
    {
      cwd: project,
      encoding: 'utf8',
    },
  )
  expect(stdout).toContain("Property 'wrod' does not exist on type 'Word'")
})

test('it holds what is needed to run and nothing of how it was made', () => {
  expect(files).toEqual(
    expect.arrayContaining([
      'dist/bin/headrace.js',
      'dist/cli.js',
      'dist/index.js',
      'dist/index.d.ts',
      'dist/testing.js',
      'dist/front/testing/harness.d.ts',
      'dist/task-thread.js',
      'LICENSE',
      'README.md',
    ]),
  )
  expect(files.filter((file) => !/^dist\/|^(README\.md|LICENSE|package\.json)$/.test(file))).toEqual([])
})

test.skipIf(tooOld === undefined)('under a Node that is too old it says so in one line', () => {
  const { stdout, stderr, status } = headrace(['run', 'program.ts'], tooOld!.node)
  expect(stdout).toBe('')
  expect(stderr).toBe(
    `headrace: needs Node.js 24 or newer, this is ${tooOld!.version} (${tooOld!.node}). Install a newer one, or: npm install node@24\n`,
  )
  expect(status).toBe(1)
})
