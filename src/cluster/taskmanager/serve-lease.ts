/**
 * A task thread's side of a lease: plans the program, waits for its deployment, runs the slot, and says how it ended.
 *
 * What always holds: everything that goes wrong here becomes one `failed` message, before `done`; a thread that is told to
 * run another plan than its own refuses.
 */
import { StreamError } from '../../base/core/stream-error.ts'
import { assertSamePlan } from '../../program/graph/compare-plans.ts'
import type { JobGraph } from '../../program/graph/job-graph.ts'
import type { StreamGraph } from '../../program/graph/stream-graph.ts'
import type { ControlPort, FromSlot, ToSlot } from '../../runtime/task/deployment.ts'
import type { RunningSlot, RunSlot, SlotHost } from '../../runtime/task/slot.ts'
import type { FromThread, SlotLease, ToThread } from './slot-lease.ts'

export interface ThreadHost extends Pick<SlotHost, 'clock' | 'fileSystem' | 'yieldTo'> {
  readonly runSlot: RunSlot
  /** Loads the program and runs its main as far as the job that is asked for. */
  readonly plan: (lease: SlotLease) => Promise<{ readonly streamGraph: StreamGraph; readonly jobGraph: JobGraph }>
  /** Waits until what user functions wrote to the console has left the thread. */
  readonly flushConsole: () => Promise<void>
}

/** A main that has not come as far as its job so long after the starting thread has, waits for what happens there only. */
const mostPlanningMs = 60_000

type Plan = Awaited<ReturnType<ThreadHost['plan']>>

type Deploy = Extract<ToThread, { lease: 'deploy' }>

/** Resolves when the slot has ended and said so. Never rejects. */
export async function serveLease(lease: SlotLease, host: ThreadHost): Promise<void> {
  const say = (message: FromThread): void => lease.port.postMessage(message)
  const inbox = new LeaseInbox(lease)
  try {
    const planned = host.plan(lease)
    const deploy = await Promise.race([inbox.deploy, planned.then(() => inbox.deploy)])
    const { streamGraph, jobGraph } = await inTime(planned, lease, deploy, host)
    assertSamePlan(deploy.deployment.jobGraph, jobGraph)
    await runDeployed(deploy, streamGraph, inbox, say, host)
  } catch (thrown) {
    say({ lease: 'failed', error: StreamError.from(thrown).toWire() })
  }
  await host.flushConsole()
  say({ lease: 'done' })
}

function inTime(planned: Promise<Plan>, { program, earlier }: SlotLease, { deployment }: Deploy, { clock }: ThreadHost): Promise<Plan> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimer(mostPlanningMs, () =>
      reject(
        new StreamError(
          'INVALID_PROGRAM',
          `main of ${program.file} did not come to its execute() number ${earlier.length + 1} in a task thread within ${mostPlanningMs / 1000} s, though it did where the program was started`,
          {
            hint: 'Each task thread runs main again, with what it saw of earlier jobs before it executed this one: between two jobs do not wait for anything else, or use --mode inline.',
            place: { job: deployment.jobGraph.jobName },
          },
        ),
      ),
    )
    planned.then(resolve, reject).finally(() => timer.cancel())
  })
}

async function runDeployed(
  deploy: Deploy,
  streamGraph: StreamGraph,
  inbox: LeaseInbox,
  say: (message: FromThread) => void,
  host: ThreadHost,
): Promise<void> {
  const peers = new Map(deploy.peers.map(({ slot, port }) => [slot, port]))
  const { runSlot, clock, fileSystem, yieldTo } = host
  const control: ControlPort = {
    send: (message) => sendCloned(message, say),
    onMessage: (handler) => inbox.forwardTo(handler),
  }
  const wakePeer = (slot: number): void => peers.get(slot)?.postMessage(0)
  const running: RunningSlot = runSlot(deploy.deployment, streamGraph, { clock, fileSystem, yieldTo, control, wakePeer })
  for (const port of peers.values()) port.on('message', () => running.wake())
  await running.done
}

/** Rows of a collect sink are the user's: what no thread can clone is his error, and says so. */
function sendCloned(message: FromSlot, say: (message: FromThread) => void): void {
  try {
    say(message)
  } catch (thrown) {
    const what = message.say === 'collect' ? 'A row for collect()' : `A message '${message.say}' of a task`
    throw new StreamError('TYPE_MISMATCH', `${what} cannot be sent to the thread that started the job: ${(thrown as Error).message}`, {
      hint: 'Only plain data travels between threads: no functions, no class instances with methods that are needed on the other side.',
      cause: thrown,
    })
  }
}

/** The lease's port: its first message is the deployment, the rest is for the slot, kept until the slot listens. */
class LeaseInbox {
  readonly deploy: Promise<Deploy>
  #handler: ((message: ToSlot) => void) | undefined
  readonly #early: ToSlot[] = []

  constructor(lease: SlotLease) {
    this.deploy = new Promise((resolve) => {
      lease.port.on('message', (message: ToThread) => {
        if ('lease' in message) resolve(message)
        else if (this.#handler === undefined) this.#early.push(message)
        else this.#handler(message)
      })
    })
  }

  /** What came early is handed over after this call: the slot that listens may not be whole yet. */
  forwardTo(handler: (message: ToSlot) => void): void {
    queueMicrotask(() => {
      this.#handler = handler
      for (const message of this.#early.splice(0)) handler(message)
    })
  }
}
