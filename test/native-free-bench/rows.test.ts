import { describe, expect, it } from 'vitest'
import { aims, nexmarkAims } from '../../native-free-bench/explanations.ts'
import { nexmarkTable } from '../../native-free-bench/nexmark/compare.ts'
import { queries } from '../../native-free-bench/nexmark/queries/all.ts'
import { missedAims, type Result } from '../../native-free-bench/results.ts'
import { rowsOf, steady, titleOf } from '../../native-free-bench/rows.ts'

const figures = (seconds: number, recordsPerSecond = 1e6) => ({ seconds, recordsPerSecond, recordsPerCoreSecond: recordsPerSecond / 2 })

describe('a steady run', () => {
  it('is run again with more records until it lasts long enough', async () => {
    const sizes: number[] = []
    const reached = await steady(10, 1000, async (size) => {
      sizes.push(size)
      return figures(size / 400)
    })
    expect(reached.seconds).toBeGreaterThanOrEqual(10)
    expect(sizes[0]).toBe(1000)
    expect(sizes.length).toBe(2)
  })

  it('is given up after some attempts, with the figures of the last', async () => {
    let attempts = 0
    const reached = await steady(10, 1000, async () => figures(++attempts))
    expect(reached.seconds).toBe(attempts)
    expect(attempts).toBeLessThan(10)
  })
})

describe('the aims', () => {
  it('are each of a row that is run', () => {
    const titles = rowsOf(undefined, undefined).map(titleOf)
    for (const title of Object.keys(aims)) expect(titles).toContain(title)
  })

  it('are set for every row of a workload that has one form, or of its kernel', () => {
    const rows = rowsOf(undefined, undefined).filter(
      (row) => row.schema === 'declared' && (row.form === 'kernel' || row.workload.forms.length === 1),
    )
    expect(rows.map(titleOf).toSorted()).toEqual(Object.keys(aims).toSorted())
  })

  it('stand in the table of Nexmark, for every query', () => {
    expect(Object.keys(nexmarkAims)).toEqual(Object.keys(queries))
    const side = figures(10, 2e6)
    const text = nexmarkTable(['source', 'q7', 'q1'].map((query) => ({ query, ours: side, sql: figures(10), dataStream: figures(9) })))
    expect(text).toContain('| source | 2.00 / 1.00 | 1.00 / 0.50 | 2.00 / 2.00 |  | 1.00 / 0.50 | 2.00 / 2.00 * |  |')
    expect(text).toContain('| q7 | 2.00 / 1.00 | 1.00 / 0.50 | 2.00 / 2.00 | 2 | 1.00 / 0.50 | 2.00 / 2.00 * | 2 |')
    expect(text).toContain('| q1 | 2.00 / 1.00 | 1.00 / 0.50 | 2.00 / 2.00 | 2 | 1.00 / 0.50 | 2.00 / 2.00 * | 1 |')
  })

  it('are told of rows that miss theirs only, with where the time goes', () => {
    const result = (title: string, ratio: number): Result => ({ title, ours: [figures(10, ratio * 1e6)], peer: [figures(10)] })
    const text = missedAims([
      result('map-chain', 1.5),
      result('wordcount, kernel', 2.5),
      result('window-tumbling, 100 keys, function', 0.1),
    ])
    expect(text).toContain(`| map-chain | 2 | 1.50 | ${aims['map-chain']!.whereTheTimeGoes} |`)
    expect(text).not.toContain('wordcount')
    expect(text).not.toContain('window-tumbling')
    expect(missedAims([result('map-chain', 2.5)])).toBe('')
  })
})
