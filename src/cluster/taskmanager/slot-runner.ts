/**
 * Who runs slots for a TaskManager: worker threads in a process, the caller's own thread in tests and in the simulation.
 */
import type { WiredSlots } from '../../runtime/task/wire-slots.ts'
import type { PingPort } from '../rpc/network-service.ts'
import type { ProgramPackage } from '../rpc/program-package.ts'
import type { DeployedSlots, SlotEvents } from '../rpc/slot-pool.ts'

export interface RunningSlots extends DeployedSlots {
  /** The network's ends of the pings: one for each slot that has a channel to another machine. */
  readonly ports: ReadonlyMap<number, PingPort>
}

/** Runs slots of one job. */
export interface ProgramSlots {
  /** What holds of SlotPool.deploy holds here. `carrier`: the number that stands for whoever carries channels to other machines. */
  run(wired: WiredSlots, carrier: number, events: SlotEvents): RunningSlots
}

export interface PreparedProgram extends ProgramSlots {
  /** Ends what still runs of it and lets go of its files. */
  close(): Promise<void>
}

export interface SlotRunner {
  /** Once a job, before its first slot runs here. Rejects with a StreamError where the program cannot be had. */
  prepare(program: ProgramPackage): Promise<PreparedProgram>
}
