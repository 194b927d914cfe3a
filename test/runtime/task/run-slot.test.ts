import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../../src/base/core/clock.ts'
import { MemoryFileSystem } from '../../../src/base/filesystem/memory-file-system.ts'
import { deployJob } from '../../../src/cluster/jobmanager/deploy-job.ts'
import type { Environment } from '../../../src/program/api/environment.ts'
import { discardSink } from '../../../src/program/connector/discard-sink.ts'
import type { FromSlot, ToSlot } from '../../../src/runtime/task/deployment.ts'
import { runSlot } from '../../../src/runtime/task/run-slot.ts'
import type { RunningSlot } from '../../../src/runtime/task/slot.ts'
import { wireSlots } from '../../../src/runtime/task/wire-slots.ts'
import { planOf } from '../../program/graph/plan-support.ts'
import { ListSink, rowsUnit, scriptedSource } from './job-bench.ts'

const numbered = (count: number) => Array.from({ length: count }, (_, i) => ({ i }))
const soon = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Counts what is asked of it: timers that are pending. */
class WatchedClock extends ManualClock {
  pending = 0
  /** A turn is a round of steps, as if each took a millisecond. */
  isSlow = false
  onNow: () => void = () => undefined
  #spentMs = 0

  override now(): number {
    this.onNow()
    return super.now()
  }

  override elapsed(): number {
    if (this.isSlow) this.#spentMs++
    return super.elapsed() + this.#spentMs
  }

  override setTimer(delayMs: number, callback: () => void) {
    this.pending++
    const timer = super.setTimer(delayMs, () => {
      this.pending--
      callback()
    })
    let isOver = false
    return {
      cancel: () => {
        if (!isOver) this.pending--
        isOver = true
        timer.cancel()
      },
    }
  }
}

/** Slots of a job whose turns are taken one by one. */
class SlotBench {
  readonly clock = new WatchedClock(1_000)
  readonly said: FromSlot[][] = []
  readonly slots: RunningSlot[] = []
  readonly pings: number[] = []
  sleepers: Int32Array = new Int32Array(1)
  turns = 0
  slotAtWork = -1
  /** Others have turns when this one rests. */
  favours = -1
  readonly #queue: { readonly slot: number; readonly turn: () => void }[] = []
  readonly #handlers: ((message: ToSlot) => void)[] = []

  static async of(program: (env: Environment) => void, config: Record<string, unknown> = {}): Promise<SlotBench> {
    const bench = new SlotBench()
    const { streamGraph, jobGraph } = await planOf(program, config)
    const { deployments } = wireSlots(deployJob(jobGraph, { jobId: 'job', config }))
    bench.sleepers = new Int32Array(deployments[0]!.sleepers)
    for (const [slot, deployment] of deployments.entries()) {
      const said: FromSlot[] = []
      bench.said.push(said)
      const host = {
        clock: bench.clock,
        fileSystem: new MemoryFileSystem(),
        control: {
          send: (message: FromSlot) => void said.push(message),
          onMessage: (handler: (message: ToSlot) => void) => void bench.#handlers.push(handler),
        },
        wakePeer: (slot: number) => {
          bench.pings.push(slot)
          bench.slots[slot]!.wake()
        },
        yieldTo: (turn: () => void) => void bench.#queue.push({ slot, turn }),
      }
      bench.slots.push(runSlot(deployment, streamGraph, host))
    }
    await soon()
    await soon()
    return bench
  }

  get hasTurns(): boolean {
    return this.#queue.length > 0
  }

  /** Takes turns until none is asked for. */
  async rest(most = 100_000): Promise<this> {
    for (let i = 0; i < most; i++) {
      // What it awaits is through before another goes on.
      if (this.favours >= 0 && !this.#queue.some(({ slot }) => slot === this.favours)) await soon()
      const favoured = this.#queue.findIndex(({ slot }) => slot === this.favours)
      const next = this.#queue.splice(Math.max(favoured, 0), 1)[0]
      if (next === undefined) {
        await soon()
        if (this.#queue.length === 0) return this
        continue
      }
      this.turns++
      this.slotAtWork = next.slot
      next.turn()
    }
    throw new Error('the slots never rest')
  }

  /** Lets a slot do what it has asked for in the midst of another's turn. */
  turnOf(slot: number): void {
    const at = this.#queue.findIndex((queued) => queued.slot === slot)
    if (at >= 0) this.#queue.splice(at, 1)[0]!.turn()
  }

  send(slot: number, message: ToSlot): void {
    this.#handlers[slot]!(message)
  }

  states(slot = 0): string[] {
    return this.said[slot]!.flatMap((message) =>
      message.say === 'taskState' ? [`${message.vertex} ${message.state}`] : message.say === 'failed' ? [`${message.vertex} failed`] : [],
    )
  }
}

/** Two tasks: a source that gives a unit each time it is released, and a sink behind an edge. */
function gated(sink: ListSink, units: number, parallelism = 1) {
  const gates = Array.from({ length: units }, () => Promise.withResolvers<void>())
  const program = (env: Environment) => {
    const steps = (subtask: number) => (subtask > 0 ? [] : gates.flatMap(({ promise }, u) => [{ wait: promise }, rowsUnit([{ u }])]))
    env
      .fromSource(scriptedSource(steps), { name: 'in' })
      .rebalance()
      .map((row: any) => row)
      .setParallelism(parallelism)
      .sinkTo(sink)
      .setParallelism(parallelism)
  }
  return { gates, program }
}

describe('a slot', () => {
  test('runs its tasks to their end and says each state', async () => {
    const sink = new ListSink()
    const bench = await SlotBench.of(
      (env) =>
        void env
          .fromSource(
            scriptedSource(() => [rowsUnit(numbered(5_000))]),
            { name: 'in' },
          )
          .rebalance()
          .map((row: any) => row)
          .sinkTo(sink),
    )
    await bench.rest()
    await bench.slots[0]!.done
    expect(sink.rows).toEqual(numbered(5_000))
    const still = { phase: 'finished', isFiring: false, isAligning: false, isTakingSnapshot: false, isWritingSnapshot: false }
    expect(bench.slots[0]!.describe()).toEqual([
      { vertex: 0, subtask: 0, ...still },
      { vertex: 1, subtask: 0, ...still },
    ])
    expect(bench.states()).toEqual(['0 initializing', '1 initializing', '0 running', '1 running', '0 finished', '1 finished'])
    const last = bench.said[0]!.findLast((message) => message.say === 'metrics')!
    expect(last.say === 'metrics' && last.tasks.map(({ vertex, recordsIn }) => [vertex, recordsIn])).toEqual([
      [0, 5_000],
      [1, 5_000],
    ])
    expect(bench.clock.pending).toBe(0)
  })

  test('parks when nothing can be done: no turn, and no timer once its figures are said', async () => {
    const sink = new ListSink()
    const { gates, program } = gated(sink, 3)
    const bench = await (await SlotBench.of(program)).rest()
    bench.clock.advance(10_000)
    await bench.rest()
    expect(bench.sleepers[0]).toBe(1)
    expect(bench.clock.pending).toBe(0)
    const { turns } = bench
    bench.clock.advance(3_600_000)
    await bench.rest()
    expect(bench.turns).toBe(turns)
    // Awake, it brings what its source has all the way to its sink before it parks again.
    for (const [u, gate] of gates.entries()) {
      gate.resolve()
      await bench.rest()
      expect(sink.rows).toHaveLength(u + 1)
    }
    await bench.slots[0]!.done
  })

  test('that sleeps is pinged by the slot that has something for it, and only then', async () => {
    const sink = new ListSink()
    const { gates, program } = gated(sink, 2, 2)
    const bench = await (await SlotBench.of(program)).rest()
    const before = bench.pings.length
    gates[0]!.resolve()
    await bench.rest()
    expect(sink.rows).toEqual([{ u: 0 }])
    gates[1]!.resolve()
    await bench.rest()
    await Promise.all(bench.slots.map(({ done }) => done))
    expect(sink.rows).toEqual([{ u: 0 }, { u: 1 }])
    expect(bench.pings.slice(before)).toContain(1)
  })

  test('closes wherever its peer goes on in the midst of its turn, the last look before it sleeps included', async () => {
    /** The peer has a turn within call number `call` of slot 0's clock; answers how many there were. */
    const run = async (call: number): Promise<number> => {
      const bench = await SlotBench.of((env) => {
        const source = scriptedSource((subtask) => (subtask === 0 ? [] : [rowsUnit([{ u: 0 }])]))
        const rows = env.fromSource(source, { name: 'in' }).setParallelism(2).rebalance()
        rows
          .map((row: any) => row)
          .setParallelism(2)
          .sinkTo(discardSink())
          .setParallelism(2)
      })
      let calls = 0
      bench.clock.isSlow = true
      bench.favours = 0
      bench.clock.onNow = () => {
        if (bench.slotAtWork === 0 && ++calls === call) bench.turnOf(1)
      }
      await bench.rest()
      expect([call, bench.states(0).at(-1), bench.states(1).at(-1)]).toEqual([call, '1 finished', '1 finished'])
      const isClosed = await Promise.race([Promise.all(bench.slots.map(({ done }) => done)).then(() => true), soon().then(() => false)])
      expect([call, isClosed]).toEqual([call, true])
      return calls
    }
    const calls = await run(0)
    for (let call = 1; call <= calls; call++) await run(call)
  })

  test('is canceled while it sleeps, and closes its operators', async () => {
    const sink = new ListSink()
    const { program } = gated(sink, 1)
    const bench = await (await SlotBench.of(program)).rest()
    bench.send(0, { do: 'cancel' })
    await bench.rest()
    await bench.slots[0]!.done
    expect(bench.states().slice(-2)).toEqual(['0 canceled', '1 canceled'])
    expect(sink.log).toEqual(['close'])
  })

  test('is canceled while it opens: as soon as opening is through', async () => {
    const opened = Promise.withResolvers<void>()
    const log: string[] = []
    const slow = { open: () => opened.promise, map: (row: any) => row, close: () => void log.push('close') }
    const bench = await SlotBench.of(
      (env) =>
        void env
          .fromSource(
            scriptedSource(() => [rowsUnit(numbered(5))]),
            { name: 'in' },
          )
          .map(slow as any)
          .sinkTo(new ListSink()),
    )
    bench.send(0, { do: 'cancel' })
    await bench.rest()
    expect(log).toEqual([])
    opened.resolve()
    await soon()
    await bench.rest()
    await bench.slots[0]!.done
    expect(log).toEqual(['close'])
    expect(bench.states()).toContain('0 canceled')
    expect(bench.states()).not.toContain('0 finished')
  })

  test('whose function fails to open says so with the operator, and closes what was opened', async () => {
    const log: string[] = []
    const failing = {
      open: () => {
        throw new Error('no connection')
      },
      map: (row: any) => row,
      close: () => void log.push('close'),
    }
    const bench = await (
      await SlotBench.of(
        (env) =>
          void env
            .fromSource(
              scriptedSource(
                () => [rowsUnit(numbered(5))],
                () => void log.push('reader closed'),
              ),
              { name: 'in' },
            )
            .map(failing as any, { name: 'm' })
            .sinkTo(new ListSink()),
      )
    ).rest()
    await bench.slots[0]!.done
    const failed = bench.said[0]!.find((message) => message.say === 'failed')!
    expect(
      failed.say === 'failed' && [failed.error.code, failed.error.place?.operator, failed.error.message.includes('no connection')],
    ).toEqual(['USER_FUNCTION_FAILED', 'm', true])
    expect(log).toEqual(['close', 'reader closed'])
    expect(bench.states()).not.toContain('0 running')
  })

  test('whose function fails to close after its work says so', async () => {
    const failing = {
      map: (row: any) => row,
      close: () => {
        throw new Error('cannot flush')
      },
    }
    const bench = await (
      await SlotBench.of(
        (env) =>
          void env
            .fromSource(
              scriptedSource(() => [rowsUnit(numbered(5))]),
              { name: 'in' },
            )
            .map(failing as any, { name: 'm' })
            .sinkTo(new ListSink()),
      )
    ).rest()
    await bench.slots[0]!.done
    const failed = bench.said[0]!.find((message) => message.say === 'failed')!
    expect(failed.say === 'failed' && failed.error.message).toContain('cannot flush')
  })
})
