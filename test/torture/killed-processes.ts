/**
 * Programs in processes of their own, killed by the kernel (SIGKILL) while tasks run in threads and files lie on a disk, and started again from the
 * latest checkpoint until one has finished. What is killed, and at which sight of its files, follows from the seed; the exact moment does not.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { murmur3String } from '../../src/base/core/hash.ts'
import { LocalFileSystem } from '../../src/base/filesystem/local-file-system.ts'
import { start } from '../front/cli/run-headrace.ts'
import { operatorPrograms } from './operator-programs.ts'
import { noCounts, type PhaseCounts } from './phases.ts'
import { publishedRows } from './published-rows.ts'
import { below, mixed, pick, type SeededRandom, seededRandom } from './seeded-random.ts'
import { assertSame, undisturbed } from './torment.ts'

export const rowsOfProcess = 240
const pauseMs = 12

/** What a parent sees of a child: its files. */
type Sight = 'restore' | 'processing' | 'upload' | 'commit'

/** The whole life of one program; how often it was killed at what. Throws where its output is another one. */
export async function surviveKills(name: string, seed: number): Promise<PhaseCounts> {
  const random = seededRandom(mixed(seed, murmur3String(name)))
  const kills = noCounts()
  const folder = mkdtempSync(path.join(tmpdir(), 'headrace-killed-'))
  const checkpoints = `${folder}/checkpoints`
  const expected = await undisturbed({ ...operatorPrograms[name]!, rows: rowsOfProcess })
  try {
    const sights: Sight[] = [(['processing', 'upload', 'commit'] as const)[seed % 3]!]
    if (seed % 2 === 0) sights.push('restore')
    while (random() < 0.3) sights.push(pick(random, ['restore', 'processing', 'upload', 'commit']))
    for (;;) {
      const had = metadataOf(checkpoints).length > 0
      const sight = sights.shift()
      const ended = await oneProcess(name, folder, random, sight)
      if (ended === 'finished') break
      kills[ended]++
      // The last one was complete, and is gone: the job had finished.
      if (had && metadataOf(checkpoints).length === 0) break
    }
    assertSame((await publishedRows(new LocalFileSystem(), `${folder}/out`, 'text')).sort(), expected.output)
    return kills
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function oneProcess(name: string, folder: string, random: SeededRandom, sight: Sight | undefined): Promise<Sight | 'finished'> {
  const config = {
    'execution.checkpointing.interval': '50ms',
    'execution.state-recovery.claim-mode': 'CLAIM',
    'parallelism.default': pick(random, [1, 2, 3]),
    'execution.codegen': random() < 0.6,
  }
  const options = Object.entries(config).flatMap(([key, value]) => ['-D', `${key}=${value}`])
  const args = ['--program', name, '--folder', folder, '--rows', `${rowsOfProcess}`, '--pauseMs', `${pauseMs}`]
  const module = 'test/fixtures/programs/torture.ts'
  const { child, ended } = start(['run', module, '--checkpoints', `${folder}/checkpoints`, ...options, '--from', 'latest', '--', ...args])
  let isOver = false
  void ended.then(() => void (isOver = true))
  const before = new Set(metadataOf(`${folder}/checkpoints`))
  const seen = new Set(filesOf(`${folder}/checkpoints`))
  let wait = below(random, 6)
  const delayMs = below(random, sight === 'restore' ? 400 : 60)
  while (!isOver && sight !== undefined) {
    await new Promise((resolve) => setTimeout(resolve, 1))
    const isRunning = metadataOf(`${folder}/checkpoints`).some((file) => !before.has(file))
    const sees =
      sight === 'restore'
        ? before.size > 0
        : sight === 'upload'
          ? filesOf(`${folder}/checkpoints`).some((file) => !seen.has(file))
          : isRunning
    if (!sees || wait-- > 0) continue
    if (sight === 'restore' || sight === 'processing') await new Promise((resolve) => setTimeout(resolve, delayMs))
    child.kill('SIGKILL')
    break
  }
  const { code, signal, stderr } = await ended
  if (signal === 'SIGKILL') return sight!
  if (code === 0) return 'finished'
  throw new Error(`the process of '${name}' ended with ${code ?? signal}:\n${stderr}`)
}

const filesOf = (folder: string): string[] =>
  existsSync(folder) ? readdirSync(folder, { recursive: true, withFileTypes: false }).map(String) : []
const metadataOf = (folder: string): string[] => filesOf(folder).filter((file) => file.endsWith('/_metadata.json'))
