/** q0: every bid, narrowed. */
import { noWatermarks } from 'headrace'
import { nexmarkSource } from '../source.ts'
import { query } from './query.ts'

export const q0 = query({
  build: (env, events) =>
    env
      .fromSource(nexmarkSource({ ...events, kind: 'bid', columns: ['auction', 'bidder', 'price', 'dateTime', 'extra'] }), {
        name: 'bids',
        watermarks: noWatermarks(),
      })
      .map(({ auction, bidder, price, dateTime, extra }) => ({ auction, bidder, price, dateTime, extra })),
  share: 0.92,
  columns: (bid) => [bid.auction, bid.bidder, bid.price, bid.dateTime, bid.extra],
})
