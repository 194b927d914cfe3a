/**
 * The generator's fixed tables. Each is made when it is first asked for: a query that reads no strings pays for none.
 */
import { SlowDraws } from './split-mix.ts'

const poolSeed = 42
const urlsSeed = 43
export const poolLength = 1 << 20

const list = (text: string): readonly string[] => text.split(',')
export const firstNames = list('Peter,Paul,Luke,John,Saul,Vicky,Kate,Julie,Sarah,Deiter,Walter')
export const lastNames = list('Shultz,Abrams,Spencer,White,Bartels,Walton,Smith,Jones,Noris')
export const cities = list('Phoenix,Los Angeles,San Francisco,Boise,Portland,Bend,Redmond,Seattle,Kent,Cheyenne')
export const states = list('AZ,CA,ID,OR,WA,WY')
const hotChannels = list('Google,Facebook,Baidu,Apple')
/** Person names by first name * 9 + last name. */
export const names: readonly string[] = firstNames.flatMap((first) => lastNames.map((last) => `${first} ${last}`))

function once<T>(make: () => T): () => T {
  let made: T | undefined
  return () => (made ??= make())
}

/** A mebichar that `extra` fields are cut from. */
export const pool: () => string = once(() => {
  const random = new SlowDraws(poolSeed)
  const chars = Buffer.alloc(poolLength)
  for (let i = 0, v = 0; i < poolLength; i++) {
    if (i % 6 === 0) v = random.int()
    chars[i] = 97 + (v % 26)
    v = Math.trunc(v / 26)
  }
  return chars.toString('latin1')
})

/** The four hot channels, then channel-0 to channel-9999. */
export const channels: () => readonly string[] = once(() => [...hotChannels, ...Array.from({ length: 10_000 }, (_, i) => `channel-${i}`)])

/** Url of each channel, in the same order. */
export const urls: () => readonly string[] = once(() => {
  const random = new SlowDraws(urlsSeed)
  const url = () => `https://www.nexmark.com/${word(random)}/${word(random)}/${word(random)}/item.htm?query=1`
  const made = hotChannels.map(url)
  for (let i = 0; i < 10_000; i++) {
    const plain = url()
    made.push(random.below(10) > 0 ? `${plain}&channel_id=${Math.abs(reverseBits(i)) | 0}` : plain)
  }
  return made
})

function word(random: SlowDraws): string {
  const length = 3 + random.below(2)
  let text = ''
  for (let i = 0; i < length; i++) text += random.below(13) === 0 ? '_' : String.fromCharCode(97 + random.below(26))
  return text
}

/** Bit 0 becomes bit 31, as a signed integer; its absolute value stays -2^31 where it is that, as in 32 bits. */
function reverseBits(value: number): number {
  let reversed = 0
  for (let bit = 0; bit < 32; bit++) reversed = (reversed << 1) | ((value >>> bit) & 1)
  return reversed
}
