/** The generator alone: every bid is made as q0 reads it, and dropped. */
import { noWatermarks } from 'headrace'
import { nexmarkSource } from '../source.ts'
import { query } from './query.ts'

export const source = query({
  build: (env, events) =>
    env
      .fromSource(nexmarkSource({ ...events, kind: 'bid', columns: ['auction', 'bidder', 'price', 'dateTime', 'extra'] }), {
        name: 'bids',
        watermarks: noWatermarks(),
      })
      .filter((bid) => bid.price < 0),
  share: 0.92,
  columns: (bid) => [bid.auction, bid.bidder, bid.price, bid.dateTime, bid.extra],
})
