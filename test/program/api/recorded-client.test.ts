import { expect, test } from 'vitest'
import { StreamError } from '../../../src/base/core/stream-error.ts'
import type { JobClient, JobEvent, JobProgress } from '../../../src/program/api/executor.ts'
import { ClientRecorder, replayedClient } from '../../../src/program/api/recorded-client.ts'

const progress = (recordsIn: number): JobProgress => ({ recordsIn, recordsPerSecond: 0, watermark: null, elapsedMs: recordsIn })

/** A job that says what the test has it say. */
function scripted() {
  const listeners = { progress: [] as ((progress: JobProgress) => void)[], event: [] as ((event: JobEvent) => void)[] }
  const answers: { resolve: (path: string) => void; reject: (error: unknown) => void }[] = []
  const answer = () => new Promise<string>((resolve, reject) => answers.push({ resolve, reject }))
  const client: JobClient = {
    ...{ jobId: 'job', status: 'RUNNING', result: new Promise(() => undefined), numRestarts: 1, checkpoints: [], exceptions: [] },
    ...{ cancel: async () => undefined, triggerCheckpoint: answer, triggerSavepoint: answer, stopWithSavepoint: answer },
    onProgress: (listener) => void listeners.progress.push(listener),
    onEvent: (listener) => void listeners.event.push(listener),
  }
  return {
    client,
    answers,
    say: (is: JobProgress) => listeners.progress.forEach((listener) => void listener(is)),
    tell: (event: JobEvent) => listeners.event.forEach((listener) => void listener(event)),
  }
}

const replayed = (recorder: ClientRecorder): JobClient =>
  // What goes to a thread is cloned.
  replayedClient({ jobId: 'job', status: 'RUNNING', result: new Promise(() => undefined) }, structuredClone(recorder.toPlain()))

test('progress and events come again, to each listener, in order and not before it has been added', async () => {
  const { client, say, tell } = scripted()
  const recorder = new ClientRecorder(client)
  for (const n of [1, 2, 3]) say(progress(n))
  tell({ on: 'restarting', restart: 1, cause: new StreamError('TASK_LOST', 'gone'), delayMs: 1 })
  tell({ on: 'restarted', restart: 1 })
  const seen: unknown[] = []
  const again = replayed(recorder)
  again.onProgress(({ recordsIn }) => seen.push(recordsIn))
  again.onEvent((event) => seen.push(event.on === 'restarting' ? event.cause : event.on))
  expect(seen).toEqual([])
  await new Promise((resolve) => setImmediate(resolve))
  expect(seen).toEqual([1, 2, 3, expect.objectContaining({ code: 'TASK_LOST', message: 'gone' }), 'restarted'])
  expect((seen[3] as StreamError) instanceof StreamError).toBe(true)
  expect(again.numRestarts).toBe(1)
})

test('snapshots that main asked for are answered as they were, and one more is declined at once', async () => {
  const { client, answers } = scripted()
  const recorder = new ClientRecorder(client)
  const first = recorder.client.triggerSavepoint('/a')
  const second = recorder.client.triggerSavepoint('/b').catch((error: StreamError) => error.code)
  void recorder.client.stopWithSavepoint()
  answers[0]!.resolve('/a/1')
  answers[1]!.reject(new StreamError('CHECKPOINT_FAILED', 'full'))
  expect([await first, await second]).toEqual(['/a/1', 'CHECKPOINT_FAILED'])
  const again = replayed(recorder)
  expect(await again.triggerSavepoint()).toBe('/a/1')
  await expect(again.triggerSavepoint()).rejects.toMatchObject({ code: 'CHECKPOINT_FAILED', message: 'full' })
  await expect(again.triggerSavepoint()).rejects.toMatchObject({ code: 'CHECKPOINT_DECLINED' })
  await expect(again.triggerCheckpoint()).rejects.toMatchObject({ code: 'CHECKPOINT_DECLINED' })
})

test('of very much progress the newest is kept', () => {
  const { client, say } = scripted()
  const recorder = new ClientRecorder(client)
  for (let n = 1; n <= 5000; n++) say(progress(n))
  const kept = recorder.toPlain().progress.map(({ recordsIn }) => recordsIn)
  expect(kept.length).toBeLessThanOrEqual(200)
  expect(kept.at(-1)).toBe(5000)
})
