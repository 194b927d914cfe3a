import { expect, test } from 'vitest'
import { fileNotFound } from '../../../src/base/filesystem/file-error.ts'

test('a file in progress that a snapshot knows and that is gone is no misspelt path', () => {
  expect(fileNotFound('go on with', 'out/.part-0.inprogress').hint).toContain('go on from a newer snapshot, or start without one')
  expect(fileNotFound('open', 'in/a.csv').hint).toContain('Check the spelling')
  expect(fileNotFound('open', 'in/*.csv').hint).toContain('Patterns are not expanded')
})
