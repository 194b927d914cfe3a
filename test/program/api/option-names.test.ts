/**
 * Options of windows, watermarks, sources and sinks that JavaScript lets anybody misspell, or that a type which was cast
 * away would have refused: each is an error, since what it should have done would be missing without a word.
 */
import { describe, expect, it } from 'vitest'
import {
  boundedOutOfOrderness,
  count,
  countEvictor,
  countTrigger,
  customWatermarks,
  deltaEvictor,
  generator,
  globalWindows,
  monotonousTimestamps,
  outputTag,
  printSink,
  processingTimeoutTrigger,
  session,
  sliding,
  timeEvictor,
  tumbling,
} from '../../../src/index.ts'
import { Environment } from '../../../src/program/api/environment.ts'
import { thrownBy } from './thrown-by.ts'

const newEnv = () => new Environment({ executor: () => Promise.reject(new Error('not executed here')) })
const rows = () => newEnv().fromData([{ k: 'a', n: 1 }])
const keyed = () => rows().keyBy('k')
const misspelt = (options: object) => options as never

describe('an option that there is not', () => {
  const refused: [what: string, call: () => unknown, message: string, hint: string][] = [
    [
      'window',
      () => keyed().window(tumbling(1), misspelt({ allowedLatenes: 5 })),
      "window() has no option 'allowedLatenes'",
      'Did you mean allowedLateness?',
    ],
    [
      "Flink's name of the late output",
      () => keyed().window(tumbling(1), misspelt({ sideOutputLateData: outputTag('late') })),
      "window() has no option 'sideOutputLateData'",
      'It has trigger, evictor, allowedLateness, lateOutput.',
    ],
    ['windowAll', () => rows().windowAll(tumbling(1), misspelt({ triger: 1 })), "window() has no option 'triger'", 'Did you mean trigger?'],
    ['tumbling', () => tumbling(9, misspelt({ ofset: 1 })), "tumbling() has no option 'ofset'", 'Did you mean offset?'],
    [
      'tumbling, the offset alone',
      () => tumbling(9, 5 as never),
      'tumbling() was given 5 where its options are expected',
      'Pass an object: { time: ... }.',
    ],
    ['sliding', () => sliding(9, 3, misspelt({ ofset: 1 })), "sliding() has no option 'ofset'", 'Did you mean offset?'],
    ['session', () => session(9, misspelt({ tme: 'processing' })), "session() has no option 'tme'", 'Did you mean time?'],
    [
      'globalWindows',
      () => globalWindows(misspelt({ fireAtEn: true })),
      "globalWindows() has no option 'fireAtEn'",
      'Did you mean fireAtEnd?',
    ],
    [
      'boundedOutOfOrderness',
      () => boundedOutOfOrderness(1, 'n', misspelt({ idlenes: 5 })),
      "boundedOutOfOrderness() has no option 'idlenes'",
      'Did you mean idleness?',
    ],
    [
      'monotonousTimestamps',
      () => monotonousTimestamps('n', misspelt({ idlenes: 5 })),
      "monotonousTimestamps() has no option 'idlenes'",
      'Did you mean idleness?',
    ],
    [
      'customWatermarks',
      () => customWatermarks(() => ({ onEvent() {} }), 'n', misspelt({ idlenes: 5 })),
      "customWatermarks() has no option 'idlenes'",
      'Did you mean idleness?',
    ],
    [
      'generator',
      () => generator((i) => i, misspelt({ count: 5, ratePerSeconds: 5 })),
      "generator() has no option 'ratePerSeconds'",
      'Did you mean ratePerSecond?',
    ],
    ['printSink', () => printSink('n', misspelt({ stder: true })), "printSink() has no option 'stder'", 'Did you mean stderr?'],
    ['countEvictor', () => countEvictor(5, misspelt({ aftr: true })), "countEvictor() has no option 'aftr'", 'Did you mean after?'],
    ['timeEvictor', () => timeEvictor(5, misspelt({ aftr: true })), "timeEvictor() has no option 'aftr'", 'Did you mean after?'],
    [
      'deltaEvictor',
      () => deltaEvictor(5, () => 1, misspelt({ aftr: true })),
      "deltaEvictor() has no option 'aftr'",
      'Did you mean after?',
    ],
    [
      'processingTimeoutTrigger',
      () => processingTimeoutTrigger(countTrigger(5), 5, misspelt({ resetOnNw: true })),
      "processingTimeoutTrigger() has no option 'resetOnNw'",
      'Did you mean resetOnNew?',
    ],
  ]
  it.each(refused)('is refused: %s', (_what, call, message, hint) => {
    expect(thrownBy(call)).toMatchObject({ code: 'INVALID_ARGUMENT', message, hint })
  })
})

describe('what is no such thing is refused', () => {
  it('a late output or a side output that is no tag', () => {
    const hint = "Make one: const late = outputTag<Row>('late')."
    expect(thrownBy(() => keyed().window(tumbling(1), { lateOutput: 'late' as never }))).toMatchObject({
      message: 'lateOutput is late, which is no output tag',
      hint,
    })
    expect(
      thrownBy(() =>
        rows()
          .filter(Boolean)
          .getSideOutput('late' as never),
      ),
    ).toMatchObject({
      message: 'getSideOutput() was given late, which is no output tag',
      hint,
    })
  })

  it('a process function behind built-in aggregates, which would not be called', () => {
    expect(
      thrownBy(() =>
        keyed()
          .window(tumbling(1))
          .aggregate({ rows: count() }, (() => undefined) as never),
      ),
    ).toMatchObject({
      message: "aggregate() in operator 'Window(tumbling 1 ms)' has built-in aggregates and a process function, which would not be called",
      hint: 'The row has the key and the window already: go on with map. A process function goes with reduce or an aggregate function of your own.',
    })
  })
})
