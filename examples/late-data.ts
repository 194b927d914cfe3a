/**
 * Orders by minute. The watermark waits ten seconds for orders that are out of order; a window that it has closed takes
 * orders for another half minute and gives its result anew; what comes later still goes to a side output.
 *
 * `headrace run examples/late-data.ts`
 */
import { count, customWatermarks, type Environment, minutes, outputTag, seconds, sum, tumbling } from 'headrace'

interface Order {
  id: number
  shop: string
  amount: number
  at: number
}

const clock = (time: string): number => Date.parse(`2026-03-02T${time}Z`)

const orders: Order[] = [
  { id: 1, shop: 'Oslo', amount: 20, at: clock('09:00:05') },
  { id: 2, shop: 'Oslo', amount: 15, at: clock('09:00:50') },
  { id: 3, shop: 'Oslo', amount: 30, at: clock('09:01:15') }, // the minute of 09:00 is over
  { id: 4, shop: 'Oslo', amount: 5, at: clock('09:00:58') }, // late, and still taken
  { id: 5, shop: 'Oslo', amount: 9, at: clock('09:01:45') },
  { id: 6, shop: 'Oslo', amount: 7, at: clock('09:00:40') }, // too late
]

const tooLate = outputTag<Order>('too late')

/** A watermark behind each order, so that the example is the same in every run; boundedOutOfOrderness(seconds(10), 'at') is what programs use. */
const watermarks = customWatermarks<Order>(() => ({ onEvent: (_, at, out) => out.emitWatermark(at - seconds(10)) }), 'at')

export default (env: Environment) => {
  const totals = env
    .fromData(orders, { name: 'orders', watermarks })
    .keyBy('shop')
    .window(tumbling(minutes(1)), { allowedLateness: seconds(30), lateOutput: tooLate })
    .aggregate({ orders: count(), amount: sum('amount') })

  totals.map((row) => `${new Date(row.windowStart).toISOString()} ${row.shop}: ${row.orders} orders, ${row.amount}`).print()
  totals
    .getSideOutput(tooLate)
    .map(({ id, shop }) => `order ${id} of ${shop}`)
    .print('too late')
}
