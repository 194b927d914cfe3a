import { expect, it } from 'vitest'
import { clusterSlotPoolSettingsOf } from '../../../src/cluster/jobmanager/cluster-slot-pool.ts'
import { resourceManagerSettingsOf } from '../../../src/cluster/resourcemanager/resource-manager.ts'
import { taskManagerSettingsOf } from '../../../src/cluster/taskmanager/task-manager.ts'

const heartbeat = { intervalMs: 1000, timeoutMs: 5000 }

it('unset, the managers have the defaults of the table', () => {
  expect(resourceManagerSettingsOf({})).toEqual({ heartbeat, loadBalance: 'NONE', jobTimeoutMs: 300_000 })
  expect(taskManagerSettingsOf({})).toEqual({ heartbeat, slots: 1, slotTimeoutMs: 10_000 })
  expect(clusterSlotPoolSettingsOf({})).toEqual({ heartbeat, slotRequestTimeoutMs: 300_000, slotIdleTimeoutMs: 50_000 })
})

it.each([
  ['NONE', 'NONE'],
  ['SLOTS', 'SLOTS'],
  // A slot holds a subtask of every vertex, so both spread the same.
  ['TASKS', 'SLOTS'],
])('taskmanager.load-balance.mode %s is %s', (mode, loadBalance) => {
  expect(resourceManagerSettingsOf({ 'taskmanager.load-balance.mode': mode })).toMatchObject({ loadBalance })
})
