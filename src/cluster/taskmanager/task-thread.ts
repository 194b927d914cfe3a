/**
 * Where a task thread begins, an adapter: Piscina calls the default export with the thread's lease. Packaged, this is one file
 * together with the API, so that a thread loads no more than that; `headrace` then means this very module to the program.
 * From the sources it means index.ts.
 */
import { installHeadraceResolution } from '../../base/bundle/headrace-resolution.ts'
import { ownModule } from '../../base/bundle/own-module.ts'
import { plan } from '../../program/api/plan.ts'
import { programMain } from '../../program/api/program-main.ts'
import { runSlot } from '../../runtime/task/run-slot.ts'
import { flushConsole, nodeHost } from './node-host.ts'
import { serveLease } from './serve-lease.ts'
import type { SlotLease } from './slot-lease.ts'

installHeadraceResolution(import.meta.url.endsWith('.ts') ? ownModule('index') : import.meta.url)

/** Never returns: the lease is over when its AbortSignal ends the thread. */
export default async function taskThread(lease: SlotLease): Promise<never> {
  await serveLease(lease, {
    ...nodeHost,
    runSlot,
    flushConsole,
    plan: ({ program, earlier }) =>
      plan(programMain(program), program.args, { seed: program.seed, earlier, ...(program.config && { config: program.config }) }),
  })
  return new Promise<never>(() => undefined)
}
