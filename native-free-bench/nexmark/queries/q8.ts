/** q8: persons who appeared and opened an auction in the same 10 s. */
import { seconds, tumbling } from 'headrace'
import { kinds, nexmarkEvents } from '../source.ts'
import { query } from './query.ts'
import { eventTime } from './watermarks.ts'

interface Sign {
  id: number
  /** null: an auction of theirs. */
  name: string | null
}

interface Newcomer {
  name: string | null
  opened: boolean
}

const newcomer = {
  createAccumulator: (): Newcomer => ({ name: null, opened: false }),
  add: (sign: Sign, seen: Newcomer): Newcomer =>
    sign.name === null ? { name: seen.name, opened: true } : { name: sign.name, opened: seen.opened },
  getResult: (seen: Newcomer): Newcomer => seen,
}

export const q8 = query({
  build: (env, events) => {
    const signs = env
      .fromSource(nexmarkEvents(events, { person: ['id', 'name'], auction: ['seller'] }), {
        name: 'persons and auctions',
        watermarks: eventTime(),
      })
      .map(
        (event): Sign =>
          event.kind === kinds.person ? { id: event.person_id, name: event.person_name } : { id: event.auction_seller, name: null },
      )
    return signs
      .keyBy('id')
      .window(tumbling(seconds(10)))
      .aggregate<Newcomer, Newcomer, { id: number; name: string; starttime: number }>(newcomer, ([seen], { key, window }, out) => {
        if (seen!.name !== null && seen!.opened) out.collect({ id: key, name: seen!.name, starttime: window.start })
      })
  },
  share: 0.08,
  columns: (row) => [row.id, row.name, row.starttime],
})
