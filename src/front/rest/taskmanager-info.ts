/**
 * A TaskManager as Flink's bodies have it. What only a JVM has (metaspace, garbage collectors by name, direct buffers) is 0 or empty;
 * what the TaskManager reports under Flink's names is shown. Pure.
 */
import { type Config, configValue } from '../../base/core/config-options.ts'
import type { TaskManagerOverview } from '../../cluster/rpc/dispatcher-gateway.ts'

export function taskManagerLine(taskManager: TaskManagerOverview, config: Config): Record<string, unknown> {
  const { taskManagerId, dataAddress, lastHeartbeatMs, slots, hardware, suspected } = taskManager
  const free = slots.filter(({ allocation }) => allocation === undefined).length
  return {
    ...{
      id: taskManagerId,
      path: dataAddress,
      dataPort: portOf(dataAddress),
      jmxPort: -1,
      timeSinceLastHeartbeat: Math.floor(lastHeartbeatMs),
    },
    ...{ slotsNumber: slots.length, freeSlots: free, assignedTasks: slots.length - free, blocked: suspected },
    ...{ totalResource: profileOf(taskManager, slots.length, config), freeResource: profileOf(taskManager, free, config) },
    hardware: {
      ...{ cpuCores: hardware.cpuCores, physicalMemory: hardware.memoryBytes, freeMemory: hardware.freeMemoryBytes },
      managedMemory: managedBytes(config),
    },
    memoryConfiguration: memoryOf(config),
  }
}

export function taskManagerDetails(taskManager: TaskManagerOverview, config: Config): Record<string, unknown> {
  const allocatedSlots = taskManager.slots.flatMap(({ allocation }) =>
    allocation === undefined ? [] : [{ jobId: allocation.jobId, resource: profileOf(taskManager, 1, config), assignedTasks: 1 }],
  )
  return { ...taskManagerLine(taskManager, config), metrics: processMetrics(taskManager.metrics), allocatedSlots }
}

const portOf = (address: string): number => Number(/:(\d+)$/.exec(address)?.[1] ?? -1)

const managedBytes = (config: Config): number => configValue(config, 'taskmanager.memory.managed.size') ?? 0
const heapOfSlot = (config: Config): number => configValue(config, 'taskmanager.memory.task.heap.size') ?? 0

/** What so many of its slots have of it. A limit that is not set is 0. */
function profileOf({ slots, hardware }: TaskManagerOverview, count: number, config: Config): unknown {
  const part = slots.length === 0 ? 0 : count / slots.length
  return {
    ...{ cpuCores: hardware.cpuCores * part, taskHeapMemory: toMb(heapOfSlot(config) * count), taskOffHeapMemory: 0 },
    ...{ managedMemory: toMb(managedBytes(config) * part), networkMemory: toMb(networkBytes(config) * part), extendedResources: {} },
  }
}

const toMb = (bytes: number): number => Math.floor(bytes / (1024 * 1024))

function networkBytes(config: Config): number {
  const bytes = configValue(config, 'taskmanager.memory.network.max')
  return bytes === Number.MAX_SAFE_INTEGER ? 0 : bytes
}

function memoryOf(config: Config): Record<string, number> {
  const slots = configValue(config, 'taskmanager.numberOfTaskSlots')
  const [taskHeap, managedMemory, networkMemory] = [heapOfSlot(config) * slots, managedBytes(config), networkBytes(config)]
  return {
    ...{ frameworkHeap: 0, taskHeap, frameworkOffHeap: 0, taskOffHeap: 0, networkMemory, managedMemory, jvmMetaspace: 0, jvmOverhead: 0 },
    ...{ totalFlinkMemory: taskHeap + managedMemory + networkMemory },
    totalProcessMemory: configValue(config, 'taskmanager.memory.process.size') ?? taskHeap + managedMemory + networkMemory,
  }
}

/** Flink's field, and the metric that it is. */
const fields = {
  heapUsed: 'Status.JVM.Memory.Heap.Used',
  heapCommitted: 'Status.JVM.Memory.Heap.Committed',
  heapMax: 'Status.JVM.Memory.Heap.Max',
  nonHeapUsed: 'Status.JVM.Memory.NonHeap.Used',
  nonHeapCommitted: 'Status.JVM.Memory.NonHeap.Committed',
  nonHeapMax: 'Status.JVM.Memory.NonHeap.Max',
  directCount: 'Status.JVM.Memory.Direct.Count',
  directUsed: 'Status.JVM.Memory.Direct.MemoryUsed',
  directMax: 'Status.JVM.Memory.Direct.TotalCapacity',
  mappedCount: 'Status.JVM.Memory.Mapped.Count',
  mappedUsed: 'Status.JVM.Memory.Mapped.MemoryUsed',
  mappedMax: 'Status.JVM.Memory.Mapped.TotalCapacity',
  nettyShuffleMemorySegmentsAvailable: 'Status.Shuffle.Netty.AvailableMemorySegments',
  nettyShuffleMemorySegmentsUsed: 'Status.Shuffle.Netty.UsedMemorySegments',
  nettyShuffleMemorySegmentsTotal: 'Status.Shuffle.Netty.TotalMemorySegments',
  nettyShuffleMemoryAvailable: 'Status.Shuffle.Netty.AvailableMemory',
  nettyShuffleMemoryUsed: 'Status.Shuffle.Netty.UsedMemory',
  nettyShuffleMemoryTotal: 'Status.Shuffle.Netty.TotalMemory',
} as const

const collector = /^Status\.JVM\.GarbageCollector\.(.+)\.Count$/

function processMetrics(metrics: Readonly<Record<string, number>>): Record<string, unknown> {
  const garbageCollectors = Object.keys(metrics).flatMap((metric) => {
    const name = collector.exec(metric)?.[1]
    return name === undefined ? [] : [{ name, count: metrics[metric], time: metrics[`Status.JVM.GarbageCollector.${name}.Time`] ?? 0 }]
  })
  return {
    ...Object.fromEntries(Object.entries(fields).map(([field, metric]) => [field, Math.floor(metrics[metric] ?? 0)])),
    garbageCollectors,
  }
}
