// Long texts of an object that are left where they are, in its JSON: what reads them piece by piece makes no strings of hundreds of kilobytes, which V8
// keeps apart and collects late.

const BACKSLASH = 0x5c
const LETTER_U = 0x75
/** `\u` and four digits: no escape is longer. */
const ESCAPE_BYTES = 6
/** What begins a character of UTF-8 does not look like this. */
const CONTINUES_MASK = 0xc0
const CONTINUES = 0x80

/** So much JSON is decoded at a time: its string, and what is made of it, are short-lived in the young generation. */
const CHUNK_BYTES = 16 * 1024

/** The text of a JSON string as JSON.stringify writes it. Stands in an object where the string would. */
export class LongText {
  readonly #json: Buffer
  readonly #hasEscapes: boolean
  readonly #chunkBytes: number

  /** `json` are the bytes between the quotes. */
  constructor(json: Buffer, hasEscapes: boolean, chunkBytes = CHUNK_BYTES) {
    this.#json = json
    this.#hasEscapes = hasEscapes
    this.#chunkBytes = Math.max(chunkBytes, 2 * ESCAPE_BYTES)
  }

  /** In JSON, in bytes: no less than in characters. */
  get length(): number {
    return this.#json.length
  }

  /** Its bytes in UTF-8, where nothing in them is escaped. */
  get plainBytes(): Buffer | undefined {
    return this.#hasEscapes ? undefined : this.#json
  }

  /** The text in pieces, none of which ends in the middle of a character. */
  *chunks(): Generator<string> {
    for (const json of this.jsonChunks()) yield this.#hasEscapes ? (JSON.parse(`"${json}"`) as string) : json
  }

  /** What stands between the quotes, in pieces, none of which ends in the middle of a character or an escape. */
  *jsonChunks(): Generator<string> {
    const { length } = this.#json
    for (let from = 0; from < length; ) {
      const to = from + this.#chunkBytes < length ? this.#cutAt(from, from + this.#chunkBytes) : length
      yield this.#json.toString('utf8', from, to)
      from = to
    }
  }

  /** The last place up to `to` where the text may be cut; at `from` it may. */
  #cutAt(from: number, to: number): number {
    const json = this.#json
    let cut = to
    while (((json[cut] ?? 0) & CONTINUES_MASK) === CONTINUES) cut--
    if (!this.#hasEscapes) return cut
    const last = json.subarray(cut - ESCAPE_BYTES + 1, cut).lastIndexOf(BACKSLASH)
    if (last < 0) return cut
    const backslash = cut - ESCAPE_BYTES + 1 + last
    let run = 1
    while (backslash - run >= from && json[backslash - run] === BACKSLASH) run++
    // Of an even run, each second one is escaped by the one before.
    if (run % 2 === 0) return cut
    const end = backslash + (json[backslash + 1] === LETTER_U ? ESCAPE_BYTES : 2)
    return end > cut ? backslash : cut
  }

  /** The whole text, for who needs it whole. */
  toString(): string {
    return JSON.parse(`"${this.#json.toString()}"`) as string
  }

  toJSON(): string {
    return this.toString()
  }
}
