/**
 * The life of one program in processes of its own, which the kernel kills at seeded moments of seeded phases, each begun from the latest
 * checkpoint of the one before, until one has finished. What is killed follows from the seed; the disk is as fast as it is, so the run
 * behind it is another each time.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { murmur3String } from '../../src/base/core/hash.ts'
import { LocalFileSystem } from '../../src/base/filesystem/local-file-system.ts'
import type { MortalLife } from './mortal-process.ts'
import { operatorPrograms } from './operator-programs.ts'
import { noCounts, type Phase, type PhaseCounts, phases } from './phases.ts'
import { publishedRows } from './published-rows.ts'
import { below, mixed, pick, type SeededRandom, seededRandom } from './seeded-random.ts'
import type { Kill } from './simulated-process.ts'
import { assertSame, undisturbed } from './torment.ts'

const rows = 100
const pauseMs = 8
const entry = fileURLToPath(new URL('./mortal-process.ts', import.meta.url))
/** How many moments of a phase may pass: there are some thousand of processing in a run, and of others some dozen. */
const momentsOf: Readonly<Record<Phase, number>> = {
  ...{ processing: 600, aligning: 3, firing: 3, snapshot: 12, upload: 40, commit: 6, restore: 16 },
}

/** How often it was killed in what. Throws where its output is another one. `seed` also turns through the phases. */
export async function surviveKillsByPhase(name: string, seed: number): Promise<PhaseCounts> {
  const random = seededRandom(mixed(seed, murmur3String(name), 5))
  const kills = noCounts()
  const folder = mkdtempSync(path.join(tmpdir(), 'headrace-mortal-'))
  const expected = await undisturbed({ ...operatorPrograms[name]!, rows })
  try {
    const deaths = planOf(seed, random)
    for (;;) {
      const had = hasCheckpoint(folder)
      const kill = had || deaths[0]?.phase !== 'restore' ? deaths.shift() : undefined
      const ended = await live(lifeOf(name, folder, random, had, kill))
      if (ended === 'finished') break
      kills[kill!.phase]++
      // The last one was complete, and is gone: the job had finished.
      if (had && !hasCheckpoint(folder)) break
    }
    assertSame((await publishedRows(new LocalFileSystem(), `${folder}/out`, 'text')).sort(), expected.output)
    return kills
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Restoring comes behind something else, as there has to be a checkpoint. */
function planOf(seed: number, random: SeededRandom): Kill[] {
  const killIn = (phase: Phase): Kill => ({ phase, nth: below(random, momentsOf[phase]) })
  const phase = phases[seed % phases.length]!
  const plan = phase === 'restore' ? [{ phase: 'processing', nth: 400 + below(random, 400) } as const, killIn(phase)] : [killIn(phase)]
  while (random() < 0.3) plan.push(killIn(pick(random, phases)))
  return plan
}

function lifeOf(name: string, folder: string, random: SeededRandom, isRestored: boolean, kill: Kill | undefined): MortalLife {
  const checkpoints = `${folder}/checkpoints`
  return {
    ...{ checkpoints, isRestored, ...(kill && { kill }) },
    args: { program: name, folder, rows, pauseMs },
    config: {
      'execution.checkpointing.interval': pick(random, [15, 40]),
      'execution.checkpointing.dir': checkpoints,
      'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION',
      'execution.state-recovery.path': 'latest',
      'execution.state-recovery.claim-mode': 'CLAIM',
      'parallelism.default': operatorPrograms[name]!.parallelism ?? pick(random, [1, 2, 2, 3]),
      'execution.codegen': random() < 0.6,
      'pipeline.operator-chaining.enabled': random() < 0.7,
    },
  }
}

function live(life: MortalLife): Promise<'finished' | 'killed'> {
  const child = spawn(process.execPath, [entry, JSON.stringify(life)], { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (signal === 'SIGKILL') resolve('killed')
      else if (code === 0) resolve('finished')
      else reject(new Error(`the process of '${life.args.program}' ended with ${code ?? signal}:\n${said}`))
    })
  })
}

function hasCheckpoint(folder: string): boolean {
  try {
    return readdirSync(`${folder}/checkpoints`, { recursive: true }).some((file) => String(file).endsWith('/_metadata.json'))
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return false
    throw error
  }
}
