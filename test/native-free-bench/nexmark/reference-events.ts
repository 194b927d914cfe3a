/**
 * The events, read literally from their specification: 64-bit integers as BigInt, one draw after the other, objects. Slow, and
 * meant to be checked by eye against the generator that makes columns.
 */
const mask = (1n << 64n) - 1n

export class Random {
  s: bigint

  constructor(seed: number) {
    this.s = BigInt(seed)
  }

  nextLong(): bigint {
    let z = this.#step()
    z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & mask
    z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & mask
    return BigInt.asIntN(64, z ^ (z >> 31n))
  }

  nextInt(): number {
    let z = this.#step()
    z = ((z ^ (z >> 33n)) * 0x62a9d9ed799705f5n) & mask
    z = ((z ^ (z >> 28n)) * 0xcb24d0a5c88c35b3n) & mask
    return Number(BigInt.asIntN(32, z >> 32n))
  }

  below(bound: number): number {
    let r = this.nextInt()
    const m = bound - 1
    if ((bound & m) === 0) return r & m
    for (let u = r >>> 1; ; u = this.nextInt() >>> 1) {
      r = u % bound
      if (u + m - r <= 2 ** 31 - 1) return r
    }
  }

  nextDouble(): number {
    return Number(BigInt.asUintN(64, this.nextLong()) >> 11n) * 2 ** -53
  }

  #step(): bigint {
    this.s = (this.s + 0x9e3779b97f4a7c15n) & mask
    return this.s
  }
}

const first = 'Peter,Paul,Luke,John,Saul,Vicky,Kate,Julie,Sarah,Deiter,Walter'.split(',')
const last = 'Shultz,Abrams,Spencer,White,Bartels,Walton,Smith,Jones,Noris'.split(',')
const cities = 'Phoenix,Los Angeles,San Francisco,Boise,Portland,Bend,Redmond,Seattle,Kent,Cheyenne'.split(',')
const states = 'AZ,CA,ID,OR,WA,WY'.split(',')
const hot = 'Google,Facebook,Baidu,Apple'.split(',')

function word(random: Random, max: number, special: string): string {
  const n = 3 + random.below(max - 3)
  let text = ''
  for (let i = 0; i < n; i++) text += random.below(13) === 0 ? special : String.fromCharCode(97 + random.below(26))
  return text.replace(/^ +| +$/g, '')
}

const urlRandom = new Random(43)
const url = () =>
  `https://www.nexmark.com/${word(urlRandom, 5, '_')}/${word(urlRandom, 5, '_')}/${word(urlRandom, 5, '_')}/item.htm?query=1`
const hotUrls = hot.map(url)
const reversed = (i: number) => Number(BigInt.asIntN(32, BigInt(`0b${i.toString(2).padStart(32, '0').split('').reverse().join('')}`)))
const abs32 = (v: number) => (v === -(2 ** 31) ? v : Math.abs(v))
const urls = Array.from({ length: 10_000 }, (_, i) => {
  const plain = url()
  return urlRandom.below(10) > 0 ? `${plain}&channel_id=${abs32(reversed(i))}` : plain
})

const poolRandom = new Random(42)
let pool = ''
for (let v = 0, i = 0; i < 2 ** 20; i++) {
  if (i % 6 === 0) v = poolRandom.nextInt()
  pool += String.fromCharCode(97 + (v % 26))
  v = Math.trunc(v / 26)
}

export interface ReferenceOptions {
  readonly events: number
  readonly rate: number
  readonly baseTime: number
  readonly generators: number
}

export type ReferenceEvent = { readonly kind: 'person' | 'auction' | 'bid'; readonly row: Record<string, number | string> }

/** All events of one generator, in order. */
export function* referenceEvents(options: ReferenceOptions, generator: number): Generator<ReferenceEvent> {
  const { events, rate, baseTime, generators } = options
  const share = Math.floor(events / generators)
  const firstId = 1 + generator * share
  const count = generator === generators - 1 ? events - share * (generators - 1) : share
  const random = new Random(44 + generator)
  const timeOf = (number: number) => baseTime + Math.floor(Math.trunc(number * ((1_000_000 / rate) * generators)) / 1000)
  const price = () => Math.round(10 ** (random.nextDouble() * 6) * 100)
  const four = () => String(random.below(10_000)).padStart(4, '0')
  const extra = (size: number, average: number) => {
    if (size > average) return ''
    const want = average - size
    const delta = Math.round(want * 0.2)
    const length = want - delta + (delta === 0 ? 0 : random.below(2 * delta))
    const at = random.below(2 ** 20 - length)
    return pool.slice(at, at + length)
  }
  for (let k = 0; k < count; k++) {
    const number = 1 + k
    const id = firstId + number
    const time = timeOf(number)
    const slot = id % 50
    const epoch = Math.floor(id / 50)
    const lastPerson = epoch
    const lastAuction = slot === 0 ? (epoch - 1) * 3 + 2 : epoch * 3 + Math.min(slot - 1, 2)
    const anyPerson = () => {
      const people = lastPerson + 1
      const active = Math.min(people, 1000)
      return people - active + random.below(active + 10)
    }
    const anyAuction = () => {
      const oldest = Math.max(lastAuction - 100, 0)
      return oldest + random.below(lastAuction - oldest + 1 + 10)
    }
    if (slot === 0) {
      const name = `${first[random.below(11)]} ${last[random.below(9)]}`
      const emailAddress = `${word(random, 7, ' ')}@${word(random, 5, ' ')}.com`
      const creditCard = `${four()} ${four()} ${four()} ${four()}`
      const city = cities[random.below(10)]!
      const state = states[random.below(6)]!
      const size = 8 + name.length + emailAddress.length + creditCard.length + city.length + state.length
      yield {
        kind: 'person',
        row: { id: 1000 + lastPerson, name, emailAddress, creditCard, city, state, dateTime: time, extra: extra(size, 200) },
      }
    } else if (slot < 4) {
      const seller = 1000 + (random.below(4) > 0 ? Math.floor(lastPerson / 100) * 100 : anyPerson())
      const category = 10 + random.below(5)
      const initialBid = price()
      const horizon = timeOf(number + 1666) - time
      const expires = time + 1 + random.below(Math.max(2 * horizon, 1))
      const itemName = word(random, 20, ' ')
      const description = word(random, 100, ' ')
      const reserve = initialBid + price()
      const text = extra(8 + itemName.length + description.length + 40, 500)
      yield {
        kind: 'auction',
        row: { id: 1000 + lastAuction, itemName, description, initialBid, reserve, dateTime: time, expires, seller, category, extra: text },
      }
    } else {
      const auction = 1000 + (random.below(2) > 0 ? Math.floor(lastAuction / 100) * 100 : anyAuction())
      const bidder = 2000 + (random.below(4) > 0 ? Math.floor(lastPerson / 100) * 100 + 1 : anyPerson())
      const bidPrice = price()
      const isHot = random.below(2) > 0
      const c = random.below(isHot ? 4 : 10_000)
      const channel = isHot ? hot[c]! : `channel-${c}`
      yield {
        kind: 'bid',
        row: { auction, bidder, price: bidPrice, channel, url: isHot ? hotUrls[c]! : urls[c]!, dateTime: time, extra: extra(32, 100) },
      }
    }
  }
}
