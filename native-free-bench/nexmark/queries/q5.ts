/** q5: the auctions with the most bids in the last 10 s, every 2 s; all of them where several have as many. */
import { count, listState, seconds, sliding, t, valueState } from 'headrace'
import { nexmarkSource } from '../source.ts'
import { query } from './query.ts'
import { eventTime } from './watermarks.ts'

const state = { most: valueState(t.float64), auctions: listState(t.int32) }

export const q5 = query({
  build: (env, events) =>
    env
      .fromSource(nexmarkSource({ ...events, kind: 'bid', columns: ['auction', 'dateTime'] }), { name: 'bids', watermarks: eventTime() })
      .keyBy('auction')
      .window(sliding(seconds(10), seconds(2)))
      .aggregate({ num: count() })
      .keyBy('windowEnd')
      .process<{ auction: number; num: number }, typeof state>({
        state,
        processElement({ auction, num, windowEnd }, ctx) {
          const most = ctx.state.most.value
          if (most === null) ctx.timerService.registerEventTimeTimer(windowEnd)
          if (most === null || num > most) {
            ctx.state.most.update(num)
            ctx.state.auctions.update([auction])
          } else if (num === most) ctx.state.auctions.add(auction)
        },
        onTimer(_end, ctx, out) {
          const num = ctx.state.most.value ?? 0
          for (const auction of ctx.state.auctions.get()) out.collect({ auction, num })
          ctx.state.most.clear()
          ctx.state.auctions.clear()
        },
      }),
  share: 0.92,
  columns: (row) => [row.auction, row.num],
})
