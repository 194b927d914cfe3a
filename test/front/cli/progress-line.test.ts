import { expect, test } from 'vitest'
import { ProgressLine, progressText } from '../../../src/front/cli/progress-line.ts'

const progress = { recordsIn: 1_234_567, recordsPerSecond: 2_345_678, watermark: Date.UTC(2001, 2, 31, 21), elapsedMs: 3210 }

class Terminal {
  written = ''
  columns = 100
  readonly isTTY: boolean
  constructor(isTTY: boolean) {
    this.isTTY = isTTY
  }
  write(text: string): void {
    this.written += text
  }
}

test('tells records, their rate, the watermark as a time, and how long it took', () => {
  expect(progressText(progress)).toBe('1,234,567 records  2.3 M/s  watermark 2001-03-31 21:00:00  3.2 s')
  expect(progressText({ ...progress, recordsPerSecond: 23_456, watermark: null })).toBe('1,234,567 records  23 k/s  3.2 s')
})

test('a watermark that is no time of day is shown as the number it is', () => {
  expect(progressText({ ...progress, watermark: 42 })).toContain('watermark 42  ')
  expect(progressText({ ...progress, watermark: 9e15 })).toContain('watermark 9000000000000000  ')
})

test('on a terminal one line is drawn over itself, and wiped without a trace', () => {
  const terminal = new Terminal(true)
  const line = new ProgressLine(terminal)
  line.show(progress)
  line.show(progress)
  line.clear()
  line.clear()
  expect(terminal.written).toBe(`\r\x1b[K${progressText(progress)}\r\x1b[K${progressText(progress)}\r\x1b[K`)
})

test('a narrow terminal gets a line that does not wrap', () => {
  const terminal = new Terminal(true)
  terminal.columns = 20
  new ProgressLine(terminal).show(progress)
  expect(terminal.written).toBe(`\r\x1b[K${progressText(progress).slice(0, 19)}`)
})

test('a terminal that does not tell its width is taken to have 80 columns', () => {
  const terminal = new Terminal(true)
  terminal.columns = 0
  new ProgressLine(terminal).show(progress)
  expect(terminal.written).toBe(`\r\x1b[K${progressText(progress)}`)
})

test('nothing is written where no terminal is', () => {
  const pipe = new Terminal(false)
  const line = new ProgressLine(pipe)
  line.show(progress)
  line.clear()
  expect(pipe.written).toBe('')
})
