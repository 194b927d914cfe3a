/**
 * The events of one generator, made straight into columns. Every draw of every event is consumed in order, whichever kind
 * and columns are asked for; what nobody reads is drawn (or only stepped over, where no rejection can occur) and not made.
 * A position is two numbers: events emitted and draws consumed.
 */

import type { SourceColumns } from '../../src/program/function/source.ts'
import { allocate, type Buffers, type EventKind, toUnit } from './event-columns.ts'
import { allocateSelection, type PassBuffers, type Selection, toSelectionUnit } from './event-selection.ts'
import { priceOf } from './price.ts'
import { SplitMix } from './split-mix.ts'
import { cities, names, pool, poolLength } from './tables.ts'

export interface StreamOptions {
  /** Of all generators together. */
  readonly events: number
  /** Events per second of event time, all generators together. */
  readonly rate: number
  readonly baseTime: number
  readonly generators: number
}

export interface StreamPosition {
  readonly emitted: number
  readonly draws: number
}

const eventsSeed = 44
const total = 50
const bidSlot = 4
const activePeople = 1000
const auctionsInFlight = 100
/** Events until an auction's expiry at the latest, on average: 100 auctions in flight, 3 of 50 events are auctions. */
const horizonEvents = 1666
const firstPersonId = 1000
const firstAuctionId = 1000
const firstCategory = 10
/** Enough for an auction (two words of up to 118 characters, two draws each) or 46 bids, and hundreds of rejections. */
const roomForDraws = 1024
const blockDraws = 8192

/** nextInt(bound) draws again from here on (31-bit draws; bound no power of two). */
const rejectFrom = (bound: number): number => 0x80000000 - (0x80000000 % bound)
const reject13 = rejectFrom(13)
const reject26 = rejectFrom(26)
/** A 31-bit draw up to here is rejected by no bound that bids have. */
const surelyTaken = 0x7fffffff - poolLength
const isPowerOfTwo = (value: number): boolean => (value & (value - 1)) === 0

const nameLengths = names.map((name) => name.length)
const cityLengths = cities.map((city) => city.length)

/** What the bids between two persons draw from. A mask other than 0: the range is a power of two, which nextInt treats apart. */
function bidRanges(epoch: number) {
  const lastAuction = epoch * 3 + 2
  const oldestAuction = Math.max(lastAuction - auctionsInFlight, 0)
  const auctions = lastAuction - oldestAuction + 1 + 10
  const people = epoch + 1
  const active = Math.min(people, activePeople)
  const bidders = active + 10
  return {
    hotAuction: firstAuctionId + lastAuction - (lastAuction % 100),
    firstAuction: firstAuctionId + oldestAuction,
    auctions,
    auctionMask: isPowerOfTwo(auctions) ? auctions - 1 : 0,
    // The generator adds its first person id twice, and one: bidders run ahead of persons.
    hotBidder: 2 * firstPersonId + epoch - (epoch % 100) + 1,
    firstBidder: 2 * firstPersonId + people - active,
    bidders,
    bidderMask: isPowerOfTwo(bidders) ? bidders - 1 : 0,
  }
}

type BidRanges = ReturnType<typeof bidRanges>
const nowhere: Buffers<'bid'> = allocate('bid', [], 0)

export class EventStream {
  readonly #baseTime: number
  readonly #delayUs: number
  readonly #firstId: number
  readonly #count: number
  readonly #random: SplitMix
  readonly #draws: Int32Array
  #cursor = 0
  #emitted: number
  #epoch: number
  #slot: number
  /** Where the last word lies in #scratch. */
  #wordStart = 0
  readonly #scratch = Buffer.alloc(128)

  constructor(options: StreamOptions, generator: number, position: StreamPosition = { emitted: 0, draws: 0 }) {
    const { events, rate, baseTime, generators } = options
    const share = Math.floor(events / generators)
    this.#baseTime = baseTime
    this.#delayUs = (1_000_000 / rate) * generators
    this.#firstId = 1 + generator * share
    this.#count = generator === generators - 1 ? events - share * (generators - 1) : share
    this.#random = new SplitMix(eventsSeed + generator, position.draws)
    this.#draws = this.#random.draws
    this.#emitted = position.emitted
    const id = this.#firstId + 1 + position.emitted
    this.#epoch = Math.floor(id / total)
    this.#slot = id % total
  }

  get done(): boolean {
    return this.#emitted >= this.#count
  }

  get position(): StreamPosition {
    return { emitted: this.#emitted, draws: this.#random.consumed(this.#cursor) }
  }

  /** The 64-bit state word of the generator, as other implementations keep it. */
  get state(): bigint {
    return this.#random.state(this.#cursor)
  }

  /** Goes over the next events (at most `maxEvents`) and gives those of `kind` among them. */
  read<K extends EventKind>(kind: K, columns: readonly string[], maxEvents: number): SourceColumns {
    const none = { person: null, auction: null, bid: null, kinds: null }
    const own = allocate(kind, columns, this.#capacity([kind], maxEvents))
    return toUnit(kind, columns, own, this.#pass({ ...none, [kind]: own }, maxEvents))
  }

  /** Goes over the next events and gives those of the kinds that `selection` names. */
  readSelection(selection: Selection, maxEvents: number): SourceColumns {
    const buffers = allocateSelection(selection, this.#capacity(Object.keys(selection) as EventKind[], maxEvents))
    return toSelectionUnit(selection, buffers, this.#pass(buffers, maxEvents))
  }

  /** Events of these kinds among the next, at most. */
  #capacity(kinds: readonly EventKind[], maxEvents: number): number {
    const events = Math.min(this.#count - this.#emitted, maxEvents)
    const perEpoch = { person: 1, auction: bidSlot - 1, bid: total - bidSlot }
    return Math.min(events, (Math.floor(events / total) + 2) * kinds.reduce((sum, kind) => sum + perEpoch[kind], 0))
  }

  /** Rows written. */
  #pass({ person, auction, bid, kinds }: PassBuffers, maxEvents: number): number {
    const end = Math.min(this.#count, this.#emitted + maxEvents)
    let row = 0
    while (this.#emitted < end) {
      if (this.#cursor > blockDraws - roomForDraws) this.#cursor = this.#random.refill(this.#cursor)
      const slot = this.#slot
      const from = row
      const run = slot < bidSlot ? 1 : Math.min(total - slot, end - this.#emitted)
      if (slot === 0) {
        this.#person(person, row)
        if (person !== null) row++
      } else if (slot < bidSlot) {
        this.#auction(auction, row)
        if (auction !== null) row++
      } else if (bid === null) this.#skipBids(run)
      else row = this.#bids(run, bid, row)
      if (kinds !== null) kinds.fill(slot === 0 ? 0 : slot < bidSlot ? 1 : 2, from, row)
      this.#advance(run)
    }
    return row
  }

  #advance(events: number): void {
    this.#emitted += events
    this.#slot += events
    if (this.#slot === total) {
      this.#slot = 0
      this.#epoch++
    }
  }

  /** Of the event with this number (from 1); the product is rounded as a double before it is truncated. */
  #timeOf(number: number): number {
    return this.#baseTime + Math.floor(Math.floor(number * this.#delayUs) / 1000)
  }

  #draw(): number {
    return this.#draws[this.#cursor++]!
  }

  #below(bound: number): number {
    const draws = this.#draws
    if (isPowerOfTwo(bound)) return draws[this.#cursor++]! & (bound - 1)
    for (;;) {
      const u = draws[this.#cursor++]! >>> 1
      const r = u % bound
      if (u - r <= 0x80000000 - bound) return r
    }
  }

  #anyPerson(): number {
    const people = this.#epoch + 1
    const active = Math.min(people, activePeople)
    return people - active + this.#below(active + 10)
  }

  #person(out: Buffers<'person'> | null, row: number): void {
    const text = out?.emailAddress != null
    const first = this.#below(11)
    const last = this.#below(9)
    const name = first * 9 + last
    const mailbox = this.#word(4, text)
    const user = text ? this.#lastWord(mailbox) : ''
    const host = this.#word(2, text)
    const emailLength = mailbox + host + 5
    if (text) out.emailAddress[row] = `${user}@${this.#lastWord(host)}.com`
    const card = [this.#below(10_000), this.#below(10_000), this.#below(10_000), this.#below(10_000)]
    const city = this.#below(10)
    const state = this.#below(6)
    const [nameLength, cityLength] = [nameLengths[name]!, cityLengths[city]!]
    const extraLength = this.#extraLength(8 + nameLength + emailLength + 19 + cityLength + 2, 200)
    const at = this.#below(poolLength - extraLength)
    if (out === null) return
    if (out.id !== null) out.id[row] = firstPersonId + this.#epoch
    if (out.name !== null) out.name[row] = name
    if (out.creditCard !== null) out.creditCard[row] = card.map((n) => String(10_000 + n).slice(1)).join(' ')
    if (out.city !== null) out.city[row] = city
    if (out.state !== null) out.state[row] = state
    if (out.dateTime !== null) out.dateTime[row] = this.#timeOf(1 + this.#emitted)
    if (out.extra !== null) out.extra[row] = pool().substring(at, at + extraLength)
  }

  #auction(out: Buffers<'auction'> | null, row: number): void {
    const epoch = this.#epoch
    const seller = (this.#draws[this.#cursor++]! & 3) > 0 ? epoch - (epoch % 100) : this.#anyPerson()
    const category = this.#below(5)
    const initialAt = this.#cursor++
    const initialBid = out !== null && (out.initialBid !== null || out.reserve !== null) ? priceOf(this.#random.double(initialAt)) : 0
    const number = 1 + this.#emitted
    const time = this.#timeOf(number)
    const life = this.#below(Math.max(2 * (this.#timeOf(number + horizonEvents) - time), 1))
    const itemLength = this.#word(17, out?.itemName != null)
    if (out?.itemName != null) out.itemName[row] = this.#lastWord(itemLength)
    const descriptionLength = this.#word(97, out?.description != null)
    if (out?.description != null) out.description[row] = this.#lastWord(descriptionLength)
    const reserveAt = this.#cursor++
    if (out?.reserve != null) out.reserve[row] = initialBid + priceOf(this.#random.double(reserveAt))
    const extraLength = this.#extraLength(8 + itemLength + descriptionLength + 40, 500)
    const at = this.#below(poolLength - extraLength)
    if (out === null) return
    if (out.id !== null) out.id[row] = firstAuctionId + epoch * 3 + this.#slot - 1
    if (out.initialBid !== null) out.initialBid[row] = initialBid
    if (out.dateTime !== null) out.dateTime[row] = time
    if (out.expires !== null) out.expires[row] = time + 1 + life
    if (out.seller !== null) out.seller[row] = firstPersonId + seller
    if (out.category !== null) out.category[row] = firstCategory + category
    if (out.extra !== null) out.extra[row] = pool().substring(at, at + extraLength)
  }

  /** A run of bids between two persons: all of them see the same people and auctions. */
  #bids(run: number, out: Buffers<'bid'>, firstRow: number): number {
    const { auction, bidder, price, channel, url, dateTime, extra } = out
    const draws = this.#draws
    const chars = extra === null ? '' : pool()
    const b = bidRanges(this.#epoch)
    if (b.auctionMask !== 0 || b.bidderMask !== 0) return this.#exactBids(b, run, 0, out, firstRow)
    // Whether a bid is on the hot auction, by the hot bidder, ... is a coin that no processor can guess: no branch hangs on it.
    let c = this.#cursor
    for (let i = 0; i < run; i++) {
      const row = firstRow + i
      const at = c
      const hot = draws[c]! & 1
      c += 2 - hot
      const a = draws[c - 1]! >>> 1
      const cold = ((draws[c]! & 3) - 1) >>> 31
      c += 1 + cold
      const p = draws[c - 1]! >>> 1
      const ch = draws[c + 2]! >>> 1
      const length = draws[c + 3]! >>> 1
      const place = draws[c + 4]! >>> 1
      c += 5
      if (((surelyTaken - a) | (surelyTaken - p) | (surelyTaken - ch) | (surelyTaken - length) | (surelyTaken - place)) < 0) {
        this.#cursor = at
        this.#exactBids(b, 1, i, out, row)
        c = this.#cursor
        continue
      }
      if (auction !== null) auction[row] = (b.hotAuction & -hot) | ((b.firstAuction + (a % b.auctions)) & (hot - 1))
      if (bidder !== null) bidder[row] = (b.hotBidder & (cold - 1)) | ((b.firstBidder + (p % b.bidders)) & -cold)
      if (price !== null) price[row] = priceOf(this.#random.double(c - 5))
      if (channel !== null || url !== null) {
        const channelIndex = (draws[c - 4]! & 1) > 0 ? draws[c - 3]! & 3 : 4 + (ch % 10_000)
        if (channel !== null) channel[row] = channelIndex
        if (url !== null) url[row] = channelIndex
      }
      if (extra !== null) {
        const size = 54 + (length % 28)
        const start = place % (poolLength - size)
        extra[row] = chars.substring(start, start + size)
      }
      if (dateTime !== null) dateTime[row] = this.#timeOf(1 + this.#emitted + i)
    }
    this.#cursor = c
    return firstRow + run
  }

  /** The same by the letter, for ranges that are powers of two and draws that may be rejected. `first`: place of the first bid in its run. */
  #exactBids(b: BidRanges, run: number, first: number, out: Buffers<'bid'>, firstRow: number): number {
    const { auction, bidder, price, channel, url, dateTime, extra } = out
    for (let row = firstRow; row < firstRow + run; row++) {
      const auctionId = (this.#draw() & 1) > 0 ? b.hotAuction : b.firstAuction + this.#below(b.auctions)
      const bidderId = (this.#draw() & 3) > 0 ? b.hotBidder : b.firstBidder + this.#below(b.bidders)
      if (auction !== null) auction[row] = auctionId
      if (bidder !== null) bidder[row] = bidderId
      if (price !== null) price[row] = priceOf(this.#random.double(this.#cursor))
      this.#cursor++
      const channelIndex = (this.#draw() & 1) > 0 ? this.#below(4) : 4 + this.#below(10_000)
      if (channel !== null) channel[row] = channelIndex
      if (url !== null) url[row] = channelIndex
      const length = this.#extraLength(32, 100)
      const at = this.#below(poolLength - length)
      if (extra !== null) extra[row] = pool().substring(at, at + length)
      if (dateTime !== null) dateTime[row] = this.#timeOf(1 + this.#emitted + first + row - firstRow)
    }
    return firstRow + run
  }

  #skipBids(run: number): void {
    const draws = this.#draws
    let c = this.#cursor
    for (let i = 0; i < run; i++) {
      const at = c
      c += 2 - (draws[c]! & 1)
      const a = draws[c - 1]! >>> 1
      c += 1 + (((draws[c]! & 3) - 1) >>> 31)
      const p = draws[c - 1]! >>> 1
      const rest = (surelyTaken - (draws[c + 2]! >>> 1)) | (surelyTaken - (draws[c + 3]! >>> 1)) | (surelyTaken - (draws[c + 4]! >>> 1))
      c += 5
      if (((surelyTaken - a) | (surelyTaken - p) | rest) < 0) {
        this.#cursor = at
        this.#exactBids(bidRanges(this.#epoch), 1, i, nowhere, 0)
        c = this.#cursor
      }
    }
    this.#cursor = c
  }

  #extraLength(size: number, average: number): number {
    const want = average - size
    const delta = Math.round(want * 0.2)
    return want - delta + (delta === 0 ? 0 : this.#below(2 * delta))
  }

  /** Draws a word of 3 + below(bound) characters; gives its length without spaces around it. */
  #word(bound: number, text: boolean): number {
    const length = 3 + this.#below(bound)
    return text ? this.#textOfWord(length) : this.#lengthOfWord(length)
  }

  /** As #textOfWord, without a branch on what is drawn. */
  #lengthOfWord(length: number): number {
    const draws = this.#draws
    let c = this.#cursor
    let first = length
    let last = -1
    let rejected = 0
    for (let i = 0; i < length; i++) {
      const u = draws[c]! >>> 1
      // Divisible by 13: times the inverse of 13 modulo 2^32 it is small.
      const isSpace = Math.imul(u, -991146299) >>> 0 <= 330382099 ? 1 : 0
      c += 2 - isSpace
      rejected |= (surelyTaken - u) | (surelyTaken - (draws[c - 1]! >>> 1))
      last = isSpace === 1 ? last : i
      first = isSpace === 0 && i < first ? i : first
    }
    if (rejected < 0) return this.#textOfWord(length)
    this.#cursor = c
    return Math.max(last - first + 1, 0)
  }

  #textOfWord(length: number): number {
    const draws = this.#draws
    const scratch = this.#scratch
    let c = this.#cursor
    let first = -1
    let last = -2
    for (let i = 0; i < length; i++) {
      let u = 0
      do u = draws[c++]! >>> 1
      while (u >= reject13)
      if (u % 13 === 0) {
        scratch[i] = 32
        continue
      }
      do u = draws[c++]! >>> 1
      while (u >= reject26)
      scratch[i] = 97 + (u % 26)
      if (first < 0) first = i
      last = i
    }
    this.#cursor = c
    if (first < 0) return 0
    this.#wordStart = first
    return last - first + 1
  }

  #lastWord(length: number): string {
    return this.#scratch.toString('latin1', this.#wordStart, this.#wordStart + length)
  }
}
