/** q11: bids per bidder and session, which ends when they have been silent for 10 s. */
import { count, seconds, session } from 'headrace'
import { nexmarkSource } from '../source.ts'
import { query } from './query.ts'
import { eventTime } from './watermarks.ts'

export const q11 = query({
  build: (env, events) =>
    env
      .fromSource(nexmarkSource({ ...events, kind: 'bid', columns: ['bidder', 'dateTime'] }), { name: 'bids', watermarks: eventTime() })
      .keyBy('bidder')
      .window(session(seconds(10)))
      .aggregate({ bids: count() }),
  share: 0.92,
  columns: (row) => [row.bidder, row.bids, row.windowStart, row.windowEnd],
})
