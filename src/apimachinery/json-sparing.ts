// Parses the JSON of a large object without making large strings of it: neither of the whole text, nor of the long texts in it.

import { LongText } from './long-text.ts'
import { type JsonObject, setOwn } from './objects.ts'

const LONG_TEXT_BYTES = 16 * 1024
/** So far the end of a text is looked for byte by byte; behind, by calls that cost as much as some bytes. */
const NEAR_BYTES = 64

const QUOTE = 0x22
const COMMA = 0x2c
const OPEN_BRACKET = 0x5b
const BACKSLASH = 0x5c
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

export interface Sizes {
  /** Texts of which JSON has so many bytes are long. */
  long?: number
  /** How much of a long text is looked at at a time. */
  chunk?: number
}

/** The value that JSON.parse would give, with long texts as `LongText`. The bytes must be as JSON.stringify writes them: without white space. */
export function parseSparingly(bytes: Buffer, sizes: Sizes = {}): unknown {
  return new SparingParser(bytes, sizes).value()
}

class SparingParser {
  readonly #bytes: Buffer
  readonly #longBytes: number
  readonly #chunkBytes: number | undefined
  #at = 0
  /** The first of each that was found, so that no byte is looked at for each text before it: all searches go on from where they were. */
  #quote = -1
  #backslash = -1

  constructor(bytes: Buffer, { long = LONG_TEXT_BYTES, chunk }: Sizes) {
    this.#bytes = bytes
    this.#longBytes = long
    this.#chunkBytes = chunk
  }

  value(): unknown {
    switch (this.#bytes[this.#at]) {
      case OPEN_BRACE:
        return this.#object()
      case OPEN_BRACKET:
        return this.#list()
      case QUOTE:
        return this.#text(this.#longBytes)
      default:
        return this.#word()
    }
  }

  #object(): JsonObject {
    const object: JsonObject = {}
    this.#at++
    while (this.#bytes[this.#at] === QUOTE) {
      const key = this.#text(Number.POSITIVE_INFINITY) as string
      this.#at++
      setOwn(object, key, this.value())
      if (this.#bytes[this.#at] !== COMMA) break
      this.#at++
    }
    this.#pass(CLOSE_BRACE)
    return object
  }

  #list(): unknown[] {
    const list: unknown[] = []
    this.#at++
    while (this.#bytes[this.#at] !== CLOSE_BRACKET) {
      list.push(this.value())
      if (this.#bytes[this.#at] !== COMMA) break
      this.#at++
    }
    this.#pass(CLOSE_BRACKET)
    return list
  }

  #pass(byte: number): void {
    if (this.#bytes[this.#at] !== byte) throw new SyntaxError(`Cannot parse JSON: it breaks off at byte ${this.#at}`)
    this.#at++
  }

  /** A number, true, false or null. */
  #word(): unknown {
    const start = this.#at
    while (!isEnd(this.#bytes[this.#at])) this.#at++
    return JSON.parse(this.#bytes.toString('latin1', start, this.#at))
  }

  #text(longBytes: number): string | LongText {
    const start = this.#at + 1
    const backslash = this.#nextBackslash(start)
    const end = this.#textEnd(start)
    this.#at = end + 1
    const hasEscapes = backslash < end
    if (end - start >= longBytes) return new LongText(this.#bytes.subarray(start, end), hasEscapes, this.#chunkBytes)
    if (hasEscapes) return JSON.parse(this.#bytes.toString('utf8', start - 1, end + 1)) as string
    return this.#bytes.toString('utf8', start, end)
  }

  /** The offset of the quote that ends the text which begins at `start`. */
  #textEnd(start: number): number {
    const bytes = this.#bytes
    let at = start
    for (;;) {
      const far = at + NEAR_BYTES
      while (at < far) {
        const byte = bytes[at]
        if (byte === QUOTE) return at
        at += byte === BACKSLASH ? 2 : 1
      }
      const quote = this.#nextQuote(at)
      const backslash = this.#nextBackslash(at)
      if (quote < backslash) return quote
      if (backslash === Number.POSITIVE_INFINITY) throw new SyntaxError('Cannot parse JSON: a text has no end')
      at = backslash
    }
  }

  #nextQuote(from: number): number {
    if (this.#quote < from) this.#quote = this.#next(QUOTE, from)
    return this.#quote
  }

  #nextBackslash(from: number): number {
    if (this.#backslash < from) this.#backslash = this.#next(BACKSLASH, from)
    return this.#backslash
  }

  #next(byte: number, from: number): number {
    const found = this.#bytes.indexOf(byte, from)
    return found < 0 ? Number.POSITIVE_INFINITY : found
  }
}

function isEnd(byte: number | undefined): boolean {
  return byte === undefined || byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET
}
