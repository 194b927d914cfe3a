/** q1: every bid with its price in euro, 0.908 * price: exact, so counted in thousandths. */
import { noWatermarks } from 'headrace'
import { nexmarkSource } from '../source.ts'
import { query } from './query.ts'

export const q1 = query({
  build: (env, events) =>
    env
      .fromSource(nexmarkSource({ ...events, kind: 'bid', columns: ['auction', 'bidder', 'price', 'dateTime', 'extra'] }), {
        name: 'bids',
        watermarks: noWatermarks(),
      })
      .map(({ auction, bidder, price, dateTime, extra }) => ({ auction, bidder, thousandths: 908 * price, dateTime, extra })),
  share: 0.92,
  columns: (bid) => [bid.auction, bid.bidder, decimal(bid.thousandths), bid.dateTime, bid.extra],
})

/** `1.816`: whole thousandths as a decimal with three digits after the point. */
function decimal(thousandths: number): string {
  const digits = String(thousandths).padStart(4, '0')
  return `${digits.slice(0, -3)}.${digits.slice(-3)}`
}
