/**
 * q3: auctions of category 10 with their seller, if the seller's state is OR, ID or CA. Either side may come first: a
 * person is kept for ever, an auction until its seller is known.
 */
import { type Collector, listState, noWatermarks, type ProcessContext, t, valueState } from 'headrace'
import { kinds, nexmarkEvents } from '../source.ts'
import { query } from './query.ts'

const seller = t.row({ name: t.utf8, city: t.utf8, state: t.utf8 })
const state = { seller: valueState(seller), waiting: listState(t.int32) }
type Context = ProcessContext<typeof state, number>

interface Sale {
  name: string
  city: string
  state: string
  id: number
}

export const q3 = query({
  build: (env, events) => {
    const sales = env.fromSource(
      nexmarkEvents(events, { person: ['id', 'name', 'city', 'state'], auction: ['id', 'seller', 'category'] }),
      {
        name: 'persons and auctions',
        watermarks: noWatermarks(),
      },
    )
    const auctions = sales
      .filter((event) => event.kind === kinds.auction && event.auction_category === 10)
      .map((event) => ({ id: event.auction_id, seller: event.auction_seller }))
    const persons = sales
      .filter(
        ({ kind, person_state }) => kind === kinds.person && (person_state === 'OR' || person_state === 'ID' || person_state === 'CA'),
      )
      .map((event) => ({ id: event.person_id, name: event.person_name, city: event.person_city, state: event.person_state }))
    return auctions
      .keyBy('seller')
      .connect(persons.keyBy('id'))
      .process({
        state,
        processElement1(auction, ctx: Context, out: Collector<Sale>) {
          const known = ctx.state.seller.value
          if (known === null) ctx.state.waiting.add(auction.id)
          else out.collect({ name: known.name, city: known.city, state: known.state, id: auction.id })
        },
        processElement2(person, ctx: Context, out: Collector<Sale>) {
          ctx.state.seller.update({ name: person.name, city: person.city, state: person.state })
          for (const id of ctx.state.waiting.get()) out.collect({ name: person.name, city: person.city, state: person.state, id })
          ctx.state.waiting.clear()
        },
      })
  },
  share: 0.08,
  columns: (sale) => [sale.name, sale.city, sale.state, sale.id],
})
