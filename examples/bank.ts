/**
 * Transfers between accounts, and a failure amid them. The job goes on from its last checkpoint: no booking is lost, none
 * is written twice, and what all accounts hold together stays 0.
 *
 * `headrace run examples/bank.ts -- --output out/bookings.jsonl`
 */
import {
  count,
  type Environment,
  fileSource,
  generator,
  globalWindows,
  jsonLines,
  jsonLinesSink,
  seconds,
  sum,
  t,
  valueState,
} from 'headrace'

const accounts = 10
const transfers = 12_000

/** The same for the same number, whenever it is asked: the source can be read again from any position. */
const transfer = (id: number) => ({ id, from: (id * 7) % accounts, to: (id * 7 + 1 + (id % 9)) % accounts, amount: 1 + (id % 100) })

const bookingType = t.row({ transfer: t.int32, account: t.int32, amount: t.int32, balance: t.int32 })

export default async (env: Environment, { output = 'out/bookings.jsonl' }: { output?: string }) => {
  env.enableCheckpointing(seconds(0.2))
  env.configure({ 'restart-strategy.type': 'fixed-delay', 'restart-strategy.fixed-delay.delay': '0.1 s' })

  env
    .fromSource(generator(transfer, { count: transfers, ratePerSecond: 10_000 }), { name: 'transfers', uid: 'transfers' })
    .flatMap(({ id, from, to, amount }) => [
      { transfer: id, account: from, amount: -amount },
      { transfer: id, account: to, amount },
    ])
    .keyBy('account')
    .process(
      {
        state: { balance: valueState(t.int32) },
        processElement(booking, { state, runtime }, out) {
          if (booking.transfer === 8000 && runtime.attemptNumber === 0) throw new Error('the power is cut')
          const balance = (state.balance.value ?? 0) + booking.amount
          state.balance.update(balance)
          out.collect({ ...booking, balance })
        },
      },
      { name: 'book', uid: 'book' },
    )
    .sinkTo(jsonLinesSink({ path: output }), { name: 'bookings', uid: 'bookings' })
  const job = await env.executeAsync('bank')
  await job.result

  // A second job looks at what the first one wrote.
  const [all] = await env
    .fromSource(fileSource({ path: output, format: jsonLines({ type: bookingType }) }))
    .map(({ amount }) => ({ all: true, amount }))
    .keyBy('all')
    .window(globalWindows({ fireAtEnd: true }))
    .aggregate({ bookings: count(), amount: sum('amount') })
    .executeAndCollect()
  console.log(`${job.numRestarts} restart, ${all?.bookings} bookings, which add up to ${all?.amount}`)
}
