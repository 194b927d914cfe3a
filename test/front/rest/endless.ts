import type { Environment } from '../../../src/program/api/environment.ts'
import { generator } from '../../../src/program/connector/generator.ts'

/** A job without end: a source, and behind a shuffle a keyed sum that counts what it sees. */
export function endless(env: Environment): void {
  env.setParallelism(2)
  env
    .fromSource(
      generator((i) => ({ key: i % 10, value: 1 }), { count: Number.POSITIVE_INFINITY, ratePerSecond: 1000 }),
      { name: 'numbers', uid: 'numbers' },
    )
    .keyBy('key')
    .reduce((a, b) => ({ key: a.key, value: a.value + b.value }), { uid: 'sums', name: 'the sums' })
    .print()
}
