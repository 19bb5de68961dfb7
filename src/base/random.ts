// Randomness as a parameter: the operating system's generator in production, a seeded one in tests.

/** The only source of randomness for everything outside `base/` and `cmd/`. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number
  /** A version 4 UUID in lower case. */
  uuid(): string
  /** `size` random bytes; from the operating system's secure generator in production. */
  bytes(size: number): Uint8Array
}

export const systemRandom: Random = {
  next: () => Math.random(),
  uuid: randomUUID,
  bytes: (size) => crypto.getRandomValues(new Uint8Array(size)),
}

/** Bytes for so many UUIDs are drawn at once. */
const DRAWN_UUIDS = 128
const drawn = Buffer.alloc(16 * DRAWN_UUIDS)
let drawnAt = drawn.length

const text = Buffer.from('00000000-0000-4000-8000-000000000000', 'latin1')
/** Where the hex digits of the 16 bytes stand in the text. */
const PLACES = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34] as const
const DIGITS = Buffer.from('0123456789abcdef', 'latin1')

/** As `crypto.randomUUID`, which puts its text together from twenty pieces: 570 bytes of garbage for each, and every request has one. */
function randomUUID(): string {
  if (drawnAt === drawn.length) {
    crypto.getRandomValues(drawn)
    drawnAt = 0
  }
  for (let i = 0; i < PLACES.length; i++) {
    const place = PLACES[i] ?? 0
    const random = drawn[drawnAt + i] ?? 0
    // What was given out is not kept.
    drawn[drawnAt + i] = 0
    const byte = i === 6 ? (random & 0x0f) | 0x40 : i === 8 ? (random & 0x3f) | 0x80 : random
    text[place] = DIGITS[byte >> 4] ?? 0
    text[place + 1] = DIGITS[byte & 0x0f] ?? 0
  }
  drawnAt += PLACES.length
  return text.toString('latin1')
}

/** A reproducible generator (mulberry32) for tests and simulations; never for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const word = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return (t ^ (t >>> 14)) >>> 0
  }
  const bytes = (size: number): Uint8Array => Uint8Array.from({ length: size }, () => word() & 0xff)
  return {
    next: () => word() / 2 ** 32,
    bytes,
    uuid() {
      const hex = Buffer.from(bytes(16)).toString('hex')
      const variant = '89ab'[word() & 3]
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
    },
  }
}

/** The alphabet of generated names: no vowels, so no words, and no 0/1/3 that read like letters (apimachinery `rand.String`). */
const NAME_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789'

/** `length` characters safe in a DNS label, as `metadata.generateName` appends them. */
export function nameSuffix(random: Random, length = 5): string {
  let text = ''
  for (let i = 0; i < length; i++) text += NAME_ALPHABET[Math.floor(random.next() * NAME_ALPHABET.length)]
  return text
}
