/** Streams and functions that validation tests begin with. */
import { Environment } from '../../../src/program/api/environment.ts'
import type { TriggerResult } from '../../../src/program/function/window.ts'

export const newEnv = () => new Environment({ executor: () => Promise.reject(new Error('not executed here')) })
export const rows = () => newEnv().fromData([{ k: 'a', n: 1, m: 2 }])
export const keyed = () => rows().keyBy('k')
export const connected = () => {
  const stream = rows()
  return stream.connect(stream)
}
export const custom = {
  onElement: (): TriggerResult => 'fire',
  onEventTime: (): TriggerResult => 'continue',
  onProcessingTime: (): TriggerResult => 'continue',
  clear: () => undefined,
}
export const mergeless = { createAccumulator: () => 0, add: (_: unknown, n: number) => n + 1, getResult: (n: number) => n }
