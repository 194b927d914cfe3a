/**
 * A program from the JobManager in threads of a TaskManager.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { bundleProgram } from '../../../src/base/bundle/bundle-program.ts'
import { LocalFileSystem } from '../../../src/base/filesystem/local-file-system.ts'
import { deployJob } from '../../../src/cluster/jobmanager/deploy-job.ts'
import type { ProgramPackage } from '../../../src/cluster/rpc/program-package.ts'
import { threadSlotRunner } from '../../../src/cluster/taskmanager/thread-slot-runner.ts'
import { carrierOf, wireSlots } from '../../../src/runtime/task/wire-slots.ts'
import { jobGraphOf } from '../jobmanager/plans.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'headrace-runner-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const program = `
  import { discardSink, sequence } from 'headrace'
  export default async (env, args) => {
    env.setParallelism(2).fromSource(sequence(0, args.rows), { uid: 's' }).sinkTo(discardSink())
    await env.execute()
  }`

it('is fetched, planned by each thread, and gone when the job is over', async () => {
  const source = path.join(folder, 'program.ts')
  writeFileSync(source, program)
  const bytes = Buffer.from((await bundleProgram(source)).code)
  const id = createHash('sha256').update(bytes).digest('hex')
  const cache = path.join(folder, 'cache')
  const runner = threadSlotRunner({ fileSystem: new LocalFileSystem(), folder: cache, readPackage: async () => bytes })
  const packed: ProgramPackage = {
    id,
    sizeBytes: bytes.length,
    file: 'program.ts',
    args: { rows: 10 },
    seed: { timeMs: 0, random: 0 },
    earlier: [],
  }
  const prepared = await runner.prepare(packed)
  expect(readdirSync(cache)).toEqual([`${id}.mjs`])
  // Another plan than its own: that a thread has planned the program is told by its refusal.
  const jobGraph = jobGraphOf([{ name: 'Source: another', parallelism: 2 }])
  const failures: string[] = []
  await new Promise<void>((resolve) => {
    let done = 0
    prepared.run(wireSlots(deployJob(jobGraph, { jobId: 'j' })), carrierOf(jobGraph), {
      deployed: () => undefined,
      message: () => undefined,
      failed: (slot, error) => void failures.push(`${slot} ${error.code}`),
      done: () => void (++done === 2 && resolve()),
      lost: (slot, cause) => void failures.push(`${slot} lost: ${cause}`),
    })
  })
  expect(failures.sort()).toEqual(['0 PLAN_MISMATCH', '1 PLAN_MISMATCH'])
  await prepared.close()
  expect(existsSync(path.join(cache, `${id}.mjs`))).toBe(false)
})
