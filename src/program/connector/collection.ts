/**
 * A source out of the program's own memory. Every task thread runs main again and so has the items itself: no item
 * travels. Its one split is the position in the list.
 */

import type { Type } from '../../base/columnar/data-type.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { Source } from '../function/source.ts'
import { IndexReader } from './index-reader.ts'
import { type QueuedSplit, SplitQueue } from './split-queue.ts'

export interface CollectionSplit extends QueuedSplit {
  /** Index of the next item. */
  readonly next: number
}

/**
 * A bounded source of the given items, read in their order by one subtask.
 *
 * ```ts
 * import { collection, getEnvironment } from 'headrace'
 *
 * const env = getEnvironment()
 * env.fromSource(collection([{ word: 'a', n: 1 }, { word: 'b', n: 2 }]), { name: 'words' }).print()
 * await env.execute()
 * ```
 */
export function collection<T>(
  items: Iterable<T>,
  options: { readonly type?: Type<T> } = {},
): Source<T, CollectionSplit, readonly CollectionSplit[]> {
  if (items === null || items === undefined || typeof items[Symbol.iterator] !== 'function') {
    throw new StreamError(
      'INVALID_ARGUMENT',
      `collection() was given ${items === null ? 'null' : typeof items}, which cannot be iterated`,
      {
        hint: 'Pass an array, a Set or another iterable of records.',
      },
    )
  }
  const rows = Array.from(items)
  return {
    name: `collection of ${rows.length} items`,
    boundedness: 'bounded',
    type: options.type,
    maxParallelism: 1,
    createEnumerator: (ctx, restored) => new SplitQueue(ctx, () => [{ owner: null, next: 0 }], restored),
    createReader: (ctx) =>
      new IndexReader(ctx, {
        unitRows: 1_024,
        idOf: () => 'items',
        left: ({ next }) => rows.length - next,
        unitOf: ({ next }, count) => ({ kind: 'rows', rows: rows.slice(next, next + count) }),
        positionOf: ({ next }) => `item ${next}`,
        after: (split, count) => ({ ...split, next: split.next + count }),
      }),
  }
}
