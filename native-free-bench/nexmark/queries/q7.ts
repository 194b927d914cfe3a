/**
 * q7: per 10 s, the bids with the highest price of the window. "Within the window" includes its end in the query, so a bid
 * at that very ms is a candidate although it has no say in what the highest price is.
 *
 * Two steps, so that both run in parallel: the highest bids of each sixteenth of the auctions, then of all.
 */
import { listState, seconds, t, tumbling, valueState } from 'headrace'
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

const highestBids = {
  createAccumulator: (): TopBid[] => [],
  add(bid: TopBid, top: TopBid[]): TopBid[] {
    if (top.length === 0 || bid.price > top[0]!.price) return [bid]
    if (bid.price === top[0]!.price) top.push(bid)
    return top
  },
  getResult: (top: TopBid[]): TopBid[] => top,
}

export const q7 = query({
  build: (env, events) => {
    const bids = env.fromSource(nexmarkSource({ ...events, kind: 'bid', columns: ['auction', 'price', 'bidder', 'dateTime', 'extra'] }), {
      name: 'bids',
      watermarks: eventTime(),
    })
    const inside = bids
      .keyBy((bid) => bid.auction % 16)
      .window(tumbling(windowMs))
      .aggregate<TopBid[], TopBid[], Candidate>(highestBids, ([top], { window }, out) => {
        for (const bid of top!) out.collect({ ...bid, windowEnd: window.end, inside: true })
      })
    const atTheEnd = bids
      .filter((bid) => bid.dateTime % windowMs === 0)
      .map((bid): Candidate => ({ ...bid, windowEnd: bid.dateTime, inside: false }))
    return inside
      .union(atTheEnd)
      .keyBy('windowEnd')
      .process<TopBid, typeof state>({
        state,
        processElement(bid, ctx) {
          ctx.timerService.registerEventTimeTimer(bid.windowEnd)
          if (bid.inside) ctx.state.highest.update(Math.max(bid.price, ctx.state.highest.value ?? 0))
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
      })
  },
  share: 0.92,
  columns: (bid) => [bid.auction, bid.price, bid.bidder, bid.dateTime, bid.extra],
})
