/** q2: the bids on auctions whose id is divisible by 123. */
import { noWatermarks } from 'headrace'
import { nexmarkSource } from '../source.ts'
import { query } from './query.ts'

export const q2 = query({
  build: (env, events) =>
    env
      .fromSource(nexmarkSource({ ...events, kind: 'bid', columns: ['auction', 'price'] }), { name: 'bids', watermarks: noWatermarks() })
      .filter((bid) => bid.auction % 123 === 0)
      .map(({ auction, price }) => ({ auction, price })),
  share: 0.92,
  columns: (bid) => [bid.auction, bid.price],
})
