import { describe, expect, test } from 'vitest'
import type { Environment } from '../../../src/program/api/environment.ts'
import { outputTag } from '../../../src/program/api/output-tag.ts'
import { CheckpointBench, SplitSource, startOf } from './checkpoint-bench.ts'
import { counting, gathered, gathering, idsOf } from './checkpoint-programs.ts'
import { ListSink } from './job-bench.ts'

describe('a checkpoint', () => {
  test('goes from the source to the sink, and everyone acknowledges it', async () => {
    const source = new SplitSource()
    const sink = new ListSink()
    const bench = await CheckpointBench.of(counting(source, sink))
    bench.split(0, 0, { id: 'a', from: 0, to: 100 })
    source.allow(0, 30)
    await bench.rest()
    bench.start(1)
    await bench.rest()
    expect(bench.failures).toEqual([])
    expect(bench.saidOf('checkpointDeclined')).toEqual([])
    expect(bench.acknowledged(1)).toEqual(['0/0', '1/0', '2/0'])
    source.allow(0, 70)
    bench.noMore(0, 0)
    await bench.rest()
    expect(sink.rows).toHaveLength(100)
    expect(bench.saidOf('awaitsCheckpoint')).toHaveLength(3)
    expect(bench.states('finished')).toEqual([])
    bench.complete(1)
    await bench.rest()
    expect(bench.states('finished')).toEqual([])
    await bench.start(2).rest()
    await bench.complete(2).rest()
    expect(bench.states('finished').sort()).toEqual(['0/0', '1/0', '2/0'])
    await Promise.all(bench.slots.map(({ done }) => done))

    const again = new SplitSource()
    const rest = new ListSink()
    const restored = await CheckpointBench.of(counting(again, rest), {
      restore: bench.metadata(1),
      fileSystem: bench.fileSystem,
      checkpointing: false,
    })
    expect(again.told).toEqual(['0 add a@30', '0 start'])
    again.allow(0, 1000)
    restored.noMore(0, 0)
    await restored.rest()
    expect(restored.failures).toEqual([])
    expect(rest.rows).toEqual(sink.rows.slice(30))
    expect(source.told.slice(-2)).toEqual(['0 complete 1', '0 complete 2'])
    expect(restored.states('finished')).toHaveLength(3)
  })
})

describe('a source', () => {
  test('takes splits that come behind a checkpoint only when it has given its own to it', async () => {
    const source = new SplitSource()
    const bench = await CheckpointBench.of(counting(source, new ListSink()))
    bench.split(0, 0, { id: 'a', from: 0, to: 100 })
    source.allow(0, 10)
    await bench.rest()
    bench.start(1).split(0, 0, { id: 'b', from: 0, to: 5 }).start(2).split(0, 0, { id: 'c', from: 0, to: 5 })
    await bench.rest()
    await bench.abort(1).abort(2).rest()
    const at = (id: number) => bench.said.findIndex((message) => message.say === 'checkpointPassed' && message.checkpointId === id)
    expect([at(1) >= 0, at(2) > at(1)]).toEqual([true, true])
    expect(source.told).toEqual(['0 start', '0 add a@0', '0 add b@0', '0 add c@0'])
    const rows = (id: number) => bench.snapshot(0, 0, id).operators[0]!.states[0]!.files[0]!.rows
    expect([rows(1), rows(2)]).toEqual([1, 2])
  })

  test('has run all that its reader emitted when its barrier goes out', async () => {
    const source = new SplitSource()
    source.unit = 5_000
    const sink = new ListSink()
    const bench = await CheckpointBench.of(counting(source, sink))
    bench.split(0, 0, { id: 'a', from: 0, to: 5_000 })
    source.allow(0, 5_000)
    // The unit has been read and is far from done when the request comes.
    for (let i = 0; i < 3; i++) bench.queue.shift()?.()
    await bench.start(1).rest()
    const { watermark, states } = bench.snapshot(0, 0, 1).operators[0]!
    expect([watermark, states[0]!.files]).toEqual([null, []])
    expect(sink.rows).toHaveLength(5_000)
    expect(bench.acknowledged(1)).toEqual(['0/0', '1/0', '2/0'])
  })

  test('goes on with event time where it was', async () => {
    const source = new SplitSource()
    const program = (env: Environment) =>
      void env
        .fromSource(source, { name: 'in', watermarks: { generator: { kind: 'bounded', outOfOrdernessMs: 0 } } as any })
        .rebalance()
        .map((row: any) => row)
        .sinkTo(new ListSink())
    const bench = await CheckpointBench.of(program, { config: { 'pipeline.auto-watermark-interval': '1 ms' } as any })
    bench.split(0, 0, { id: 'a', from: 0, to: 100 })
    source.allow(0, 50)
    await bench.rest()
    bench.clock.advance(10)
    await bench.rest()
    await bench.start(1).rest()
    expect(bench.snapshot(0, 0, 1).operators[0]!.watermark).toBe(48)
    const restored = await CheckpointBench.of(program, { restore: bench.metadata(1), fileSystem: bench.fileSystem })
    await restored.rest()
    restored.clock.advance(10_000)
    await restored.rest()
    const { tasks } = restored.saidOf('metrics').at(-1)!
    expect(tasks.map(({ watermark }) => watermark)).toEqual([48, 48])
  })
})

describe('alignment', () => {
  test('holds back a channel whose barrier has come, exactly once', async () => {
    const { source, sink, bench } = await gathered()
    // Only the first subtask hears of it: its barrier travels, and its later rows must wait.
    bench.send({ do: 'startCheckpoint', checkpoint: startOf(1) }, bench.slotOf(0, 0))
    await bench.rest()
    source.allow(0, 30)
    source.allow(1, 30)
    await bench.rest()
    expect(idsOf(sink)).toEqual({ a: 20, b: 50 })
    bench.send({ do: 'startCheckpoint', checkpoint: startOf(1) }, bench.slotOf(0, 1))
    await bench.rest()
    expect(idsOf(sink)).toEqual({ a: 50, b: 50 })
    expect(bench.acknowledged(1)).toEqual(['0/0', '0/1', '1/0'])
  })

  test('holds back nothing, at least once', async () => {
    const { source, sink, bench } = await gathered(new ListSink(), { mode: 'AT_LEAST_ONCE' })
    bench.send({ do: 'startCheckpoint', checkpoint: startOf(1) }, bench.slotOf(0, 0))
    await bench.rest()
    source.allow(0, 30)
    await bench.rest()
    expect(idsOf(sink)).toEqual({ a: 50, b: 20 })
    bench.send({ do: 'startCheckpoint', checkpoint: startOf(1) }, bench.slotOf(0, 1))
    await bench.rest()
    expect(bench.acknowledged(1)).toEqual(['0/0', '0/1', '1/0'])
  })

  test('ends when the checkpoint is aborted, and its late barrier is ignored', async () => {
    const { source, sink, bench } = await gathered()
    bench.send({ do: 'startCheckpoint', checkpoint: startOf(1) }, bench.slotOf(0, 0))
    source.allow(0, 30)
    await bench.rest()
    bench.send({ do: 'checkpointAborted', checkpointId: 1 }, bench.slotOf(1, 0))
    await bench.rest()
    expect(idsOf(sink).a).toBe(50)
    bench.send({ do: 'startCheckpoint', checkpoint: startOf(1) }, bench.slotOf(0, 1))
    await bench.rest()
    expect(bench.acknowledged(1)).toEqual(['0/0', '0/1'])
    await bench.start(2).rest()
    expect(bench.acknowledged(2)).toEqual(['0/0', '0/1', '1/0'])
  })

  test('is given up for a newer checkpoint, which the task says', async () => {
    const { bench } = await gathered()
    bench.send({ do: 'startCheckpoint', checkpoint: startOf(1) }, bench.slotOf(0, 0))
    await bench.rest()
    await bench.start(2).rest()
    expect(bench.saidOf('checkpointDeclined').map(({ vertex, checkpointId, error }) => [vertex, checkpointId, error.code])).toEqual([
      [1, 1, 'CHECKPOINT_DECLINED'],
    ])
    expect(bench.acknowledged(2)).toEqual(['0/0', '0/1', '1/0'])
  })

  test('does not wait for a source that is idle or has no splits', async () => {
    const source = new SplitSource()
    const sink = new ListSink()
    const bench = await CheckpointBench.of(gathering(source, sink))
    bench.split(0, 0, { id: 'a', from: 0, to: 10 })
    source.allow(0, 10)
    await bench.start(1).rest()
    expect(bench.acknowledged(1)).toEqual(['0/0', '0/1', '1/0'])
  })
})

describe('a barrier', () => {
  test('waits in a task whose outputs are full, and passes when there is room', async () => {
    let isStuck = true
    let goOn!: () => void
    const stuck = new Promise<void>((resolve) => (goOn = resolve))
    const sink = new ListSink(() => (isStuck ? stuck : undefined))
    const source = new SplitSource()
    source.unit = 1_000
    const bench = await CheckpointBench.of(counting(source, sink), { network: { segmentSizeBytes: 4096, maxBytes: 4 * (256 + 2 * 4096) } })
    bench.split(0, 0, { id: 'a', from: 0, to: 40_000 })
    source.allow(0, 40_000)
    await bench.rest()
    await bench.start(1).rest()
    expect(bench.acknowledged(1)).toEqual([])
    isStuck = false
    goOn()
    await bench.rest()
    expect(bench.acknowledged(1)).toEqual(['0/0', '1/0', '2/0'])
    expect(sink.rows).toHaveLength(40_000)
  })

  test('that is here before the mail which says what it stands for makes its task wait', async () => {
    const { sink, source, bench } = await gathered()
    for (const subtask of [0, 1]) {
      const slot = bench.slotOf(0, subtask)
      if (slot !== bench.slotOf(1, 0)) bench.send({ do: 'startCheckpoint', checkpoint: startOf(1) }, slot)
    }
    await bench.rest()
    source.allow(1, 10)
    await bench.rest()
    // Slot 0 has heard of nothing: neither its source nor the sink's task.
    expect(idsOf(sink)).toEqual({ a: 20, b: 20 })
    bench.send({ do: 'startCheckpoint', checkpoint: startOf(1) }, bench.slotOf(1, 0))
    await bench.rest()
    expect(bench.acknowledged(1)).toEqual(['0/0', '0/1', '1/0'])
    expect(idsOf(sink)).toEqual({ a: 20, b: 30 })
  })

  test('passes two-input tasks, unions and side outputs', async () => {
    const source = new SplitSource()
    const other = new SplitSource()
    const sink = new ListSink()
    const side = new ListSink()
    const odd = outputTag<any>('odd')
    const bench = await CheckpointBench.of((env) => {
      const a: any = env.fromSource(source, { name: 'a' })
      const b: any = env.fromSource(other, { name: 'b' })
      const split = a.rebalance().process({
        processElement: (row: any, ctx: any, out: any) => (row.i % 2 === 0 ? out.collect(row) : ctx.output(odd, row)),
      })
      split.getSideOutput(odd).rebalance().sinkTo(side)
      a.connect(b)
        .map(
          (row: any) => row,
          (row: any) => row,
        )
        .union(split)
        .rebalance()
        .map((row: any) => row)
        .sinkTo(sink)
    })
    expect(bench.tasks).toBeGreaterThan(3)
    const sources = bench.jobGraph.vertices.filter(({ operators }) => operators[0]!.kind === 'source').map(({ id }) => id)
    for (const vertex of sources) bench.split(vertex, 0, { id: `${vertex}`, from: 0, to: 10 })
    source.allow(0, 10)
    other.allow(0, 10)
    await bench.rest()
    await bench.start(1).rest()
    expect(bench.failures).toEqual([])
    expect(bench.acknowledged(1)).toHaveLength(bench.tasks)
    expect([sink.rows.length, side.rows.length]).toEqual([25, 5])
  })
})

describe('operators', () => {
  /** source -> two sinks whose writers flush as told. */
  async function flushing(flush: (name: string) => void | Promise<void>) {
    const source = new SplitSource()
    const log: string[] = []
    const sinkOf = (name: string): any => ({
      name,
      createWriter: () => ({
        write: () => undefined,
        flush: (isEnd: boolean) => {
          log.push(`${name} flush ${isEnd}`)
          return flush(name)
        },
        close: () => undefined,
      }),
    })
    const bench = await CheckpointBench.of((env) => {
      const stream = env.fromSource(source, { name: 'in' })
      stream.sinkTo(sinkOf('first'))
      stream.sinkTo(sinkOf('second'))
    })
    bench.split(0, 0, { id: 'a', from: 0, to: 100 })
    source.allow(0, 10)
    await bench.rest()
    return { bench, source, log }
  }

  test('are told one after the other, and awaited, ahead of the snapshot', async () => {
    const gate = Promise.withResolvers<void>()
    const { bench, log, source } = await flushing((name) => (name === 'first' ? gate.promise : undefined))
    source.allow(0, 10)
    await bench.start(1).rest()
    expect([log, bench.saidOf('checkpointPassed')]).toEqual([['first flush false'], []])
    gate.resolve()
    await bench.rest()
    expect(log).toEqual(['first flush false', 'second flush false'])
    expect(bench.acknowledged(1)).toEqual(['0/0'])
  })

  test('that fail ahead of it fail the task', async () => {
    const { bench } = await flushing(async () => {
      throw new Error('disk full')
    })
    await bench.start(1).rest()
    expect(bench.failures[0]).toContain('disk full')
  })

  test('are not asked for a snapshot that was aborted while they were awaited', async () => {
    const gate = Promise.withResolvers<void>()
    const { bench, source } = await flushing(() => gate.promise)
    await bench.start(1).rest()
    await bench.abort(1).rest()
    gate.resolve()
    source.allow(0, 5)
    await bench.rest()
    expect(bench.saidOf('checkpointPassed')).toEqual([])
    await bench.start(2).rest()
    expect(bench.acknowledged(2)).toEqual(['0/0'])
  })
})

describe('writing', () => {
  test('may take as long as it likes: rows go on, and so does the next checkpoint once the state was read', async () => {
    const { bench, source, sink } = await gathered()
    const reading = Promise.withResolvers<void>()
    const create = bench.fileSystem.create.bind(bench.fileSystem)
    bench.fileSystem.create = async (path) => {
      if (path.includes('chk-1')) await reading.promise
      return create(path)
    }
    await bench.start(1).rest()
    // The sink has no state: it is through. The sources' files cannot be opened, but their splits were read.
    expect(bench.acknowledged(1)).toEqual(['1/0'])
    source.allow(0, 10)
    await bench.rest()
    expect(idsOf(sink)).toEqual({ a: 30, b: 20 })
    await bench.start(2).rest()
    expect(bench.acknowledged(2)).toEqual(['0/0', '0/1', '1/0'])
    reading.resolve()
    await bench.rest()
    expect(bench.acknowledged(1)).toEqual(['0/0', '0/1', '1/0'])
  })

  test('is not done reading: the next checkpoint waits, as the state of one at a time is open', async () => {
    const source = new SplitSource()
    const bench = await CheckpointBench.of(counting(source, new ListSink()))
    // More than a writer hands to a file that is not open yet.
    const long = 'of many '.repeat(10)
    bench.split(0, 0, ...Array.from({ length: 40_000 }, (_, i) => ({ id: `split ${i} ${long}`, from: 0, to: 1 })))
    const opening = Promise.withResolvers<void>()
    const create = bench.fileSystem.create.bind(bench.fileSystem)
    bench.fileSystem.create = async (path) => {
      if (path.includes('chk-1')) await opening.promise
      return create(path)
    }
    await bench.start(1).rest()
    await bench.start(2).rest()
    const passed = () => bench.saidOf('checkpointPassed').flatMap(({ vertex, checkpointId }) => (vertex === 0 ? [checkpointId] : []))
    expect(passed()).toEqual([1])
    opening.resolve()
    await bench.rest()
    expect(passed()).toEqual([1, 2])
    expect([bench.acknowledged(1), bench.acknowledged(2)]).toEqual([
      ['0/0', '1/0', '2/0'],
      ['0/0', '1/0', '2/0'],
    ])
  })

  test('keeps the types that edges have learned, and a restored task begins with them', async () => {
    const { bench } = await gathered()
    await bench.start(1).rest()
    const { schemas } = bench.snapshot(0, 0, 1).operators[0]!
    expect(schemas!.map((schema) => schema!.fields.map(({ name, type }) => `${name} ${type.kind}`))).toEqual([['id utf8', 'i float64']])
    const metadata = bench.metadata(1)
    const wider = { ...schemas![0]!, id: 'wider', fields: schemas![0]!.fields.map((field) => ({ ...field, nullable: true })) }
    const operators = metadata.operators.map((operator, o) =>
      o === 0 ? { ...operator, subtasks: operator.subtasks.map((subtask) => ({ ...subtask, schemas: [wider] })) } : operator,
    )
    const next = new SplitSource()
    const sink = new ListSink()
    const restored = await CheckpointBench.of(gathering(next, sink), { restore: { ...metadata, operators }, fileSystem: bench.fileSystem })
    next.allow(0, 10)
    await restored.rest()
    expect(sink.rows).toHaveLength(10)
    await restored.start(2).rest()
    expect(restored.snapshot(0, 0, 2).operators[0]!.schemas![0]!.fields.every(({ nullable }) => nullable)).toBe(true)
  })

  test('that fails declines the checkpoint, and the task goes on', async () => {
    const { bench, source, sink } = await gathered()
    const create = bench.fileSystem.create.bind(bench.fileSystem)
    bench.fileSystem.create = async (path) => {
      if (path.includes('chk-1')) throw new Error('no room')
      return create(path)
    }
    await bench.start(1).rest()
    // It counts among those that are tolerated, as what is only called off does not.
    expect(bench.saidOf('checkpointDeclined').map(({ vertex, error }) => [vertex, error.code])).toEqual([
      [0, 'CHECKPOINT_FAILED'],
      [0, 'CHECKPOINT_FAILED'],
    ])
    source.allow(0, 10)
    await bench.rest()
    expect(idsOf(sink)).toEqual({ a: 30, b: 20 })
    await bench.start(2).rest()
    expect(bench.acknowledged(2)).toEqual(['0/0', '0/1', '1/0'])
  })

  test('leaves no file of what is aborted, before or after it was acknowledged', async () => {
    const { bench } = await gathered()
    await bench.start(1).rest()
    expect(bench.acknowledged(1)).toHaveLength(3)
    expect(await bench.fileSystem.list('/chk-1')).toHaveLength(2)
    await bench.abort(1).rest()
    expect(await bench.fileSystem.list('/chk-1').catch(() => [])).toEqual([])
    bench.start(2)
    for (let i = 0; i < 3; i++) bench.queue.shift()?.()
    await bench.abort(2).rest()
    expect(bench.acknowledged(2)).toEqual([])
    expect(await bench.fileSystem.list('/chk-2').catch(() => [])).toEqual([])
  })
})
