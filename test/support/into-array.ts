/** A sink that gives its rows to the test, as they come. */
import type { Sink } from '../../src/program/function/sink.ts'

export function intoArray<T>(rows: T[]): Sink<T> {
  return {
    name: 'into an array',
    createWriter: () => ({ write: (row) => void rows.push(row), flush() {}, close() {} }),
  }
}
