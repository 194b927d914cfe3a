/**
 * q7: per 10 s, the bids with the highest price of the window. "Within the window" includes its end in the query, so a bid
 * at that very ms is a candidate although it has no say in what the highest price is.
 *
 * Two steps: what cannot win is dropped where it is read, and the rest meet by window.
 */
import { type Collector, listState, seconds, t, valueState } from 'headrace'
import type { Bid } from '../event-columns.ts'
import { nexmarkSource } from '../source.ts'
import { query } from './query.ts'
import { eventTime } from './watermarks.ts'

const windowMs = seconds(10)
type TopBid = Pick<Bid, 'auction' | 'price' | 'bidder' | 'dateTime' | 'extra'>
interface Candidate extends TopBid {
  windowEnd: number
  /** Whether it lies in the window and so has a say. */
  inside: boolean
}

const candidate = t.row({
  auction: t.int32,
  price: t.int32,
  bidder: t.int32,
  dateTime: t.timestamp,
  extra: t.utf8,
  windowEnd: t.timestamp,
  inside: t.boolean,
})
const state = { highest: valueState(t.float64), candidates: listState(candidate) }

/**
 * Whether a bid may win, as far as the bids before it tell. What it remembers only saves work, so it is not state: it knows
 * the latest window alone, and lets through what is as high as the highest, so that a bid read once more passes once more.
 */
function mayWin(): (bid: TopBid) => boolean {
  let windowStart = Number.NEGATIVE_INFINITY
  let highest = 0
  return ({ dateTime, price }) => {
    if (dateTime >= windowStart + windowMs) {
      windowStart = dateTime - (dateTime % windowMs)
      highest = price
      return true
    }
    if (price < highest && dateTime > windowStart) return false
    if (price > highest && dateTime >= windowStart) highest = price
    return true
  }
}

export const q7 = query({
  build: (env, events) =>
    env
      .fromSource(nexmarkSource({ ...events, kind: 'bid', columns: ['auction', 'price', 'bidder', 'dateTime', 'extra'] }), {
        name: 'bids',
        watermarks: eventTime(),
      })
      .filter(mayWin())
      .flatMap((bid, out: Collector<Candidate>) => {
        const windowStart = bid.dateTime - (bid.dateTime % windowMs)
        out.collect({ ...bid, windowEnd: windowStart + windowMs, inside: true })
        if (bid.dateTime === windowStart) out.collect({ ...bid, windowEnd: windowStart, inside: false })
      })
      .keyBy('windowEnd')
      .process<TopBid, typeof state>({
        state,
        processElement(bid, ctx) {
          const highest = ctx.state.highest.value ?? 0
          if (bid.price < highest) return
          if (bid.inside && bid.price > highest) ctx.state.highest.update(bid.price)
          ctx.timerService.registerEventTimeTimer(bid.windowEnd)
          ctx.state.candidates.add(bid)
        },
        onTimer(_end, ctx, out) {
          const highest = ctx.state.highest.value
          for (const { auction, price, bidder, dateTime, extra } of ctx.state.candidates.get()) {
            if (price === highest) out.collect({ auction, price, bidder, dateTime, extra })
          }
          ctx.state.highest.clear()
          ctx.state.candidates.clear()
        },
      }),
  share: 0.92,
  columns: (bid) => [bid.auction, bid.price, bid.bidder, bid.dateTime, bid.extra],
})
