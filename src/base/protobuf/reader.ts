// Reads the protobuf wire format from a Buffer: every read is checked against the bytes there are, the nesting and the number of items.

import { ProtobufError } from './error.ts'

/** What a value looks like on the wire; the low three bits of a tag. */
export const WIRE = { varint: 0, fixed64: 1, bytes: 2, groupStart: 3, groupEnd: 4, fixed32: 5 } as const
export type Wire = (typeof WIRE)[keyof typeof WIRE]

/** The deepest nesting of messages that is read; upstream's parsers stop at 100 too. */
export const MAX_DEPTH = 100

/** The most list items, map entries and messages in one decode: an empty message costs two bytes on the wire and a hundred in memory. */
export const MAX_ITEMS = 1 << 20

const TWO_32 = 0x1_0000_0000

export class Reader {
  readonly #bytes: Buffer
  #position: number
  #end: number
  #depth = 0
  #items = 0
  #low = 0
  #high = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#position = 0
    this.#end = this.#bytes.length
  }

  /** Whether the message that is being read has bytes left. */
  get more(): boolean {
    return this.#position < this.#end
  }

  /** The next tag: field number * 8 + wire type. */
  tag(): number {
    const tag = this.uint32()
    if (tag >>> 3 === 0) throw this.#error('field number 0')
    return tag
  }

  uint32(): number {
    const byte = this.#position < this.#end ? (this.#bytes[this.#position] ?? 0) : 0x80
    if (byte < 0x80) {
      this.#position++
      return byte
    }
    this.#varint()
    return this.#low >>> 0
  }

  int32(): number {
    return this.uint32() | 0
  }

  bool(): boolean {
    this.#varint()
    return (this.#low | this.#high) !== 0
  }

  /** A signed 64-bit integer as the nearest number, which is exact up to 2^53. */
  int64Rounded(): number {
    this.#varint()
    return this.#high * TWO_32 + (this.#low >>> 0)
  }

  /** An unsigned 64-bit integer as the nearest number, which is exact up to 2^53. */
  uint64Rounded(): number {
    this.#varint()
    return (this.#high >>> 0) * TWO_32 + (this.#low >>> 0)
  }

  int64(): number {
    return this.#safe(this.int64Rounded())
  }

  uint64(): number {
    return this.#safe(this.uint64Rounded())
  }

  bigInt64(): bigint {
    this.#varint()
    return (BigInt(this.#high) << 32n) | BigInt(this.#low >>> 0)
  }

  bigUint64(): bigint {
    this.#varint()
    return (BigInt(this.#high >>> 0) << 32n) | BigInt(this.#low >>> 0)
  }

  fixed32(): number {
    return this.#bytes.readUInt32LE(this.#take(4))
  }

  fixed64(): bigint {
    return this.#bytes.readBigUInt64LE(this.#take(8))
  }

  double(): number {
    return this.#bytes.readDoubleLE(this.#take(8))
  }

  /** Length-delimited bytes, as a view into the input. */
  bytes(): Buffer {
    const length = this.uint32()
    const start = this.#take(length)
    return this.#bytes.subarray(start, start + length)
  }

  string(): string {
    const length = this.uint32()
    const start = this.#take(length)
    return this.#bytes.toString('utf8', start, start + length)
  }

  /** Enters a length-delimited message; give what this returns to `leave`. */
  enter(): number {
    const length = this.uint32()
    if (length > this.#end - this.#position) throw this.#error(`a length of ${length} runs past the end`)
    if (++this.#depth > MAX_DEPTH) throw this.#error(`messages are nested deeper than ${MAX_DEPTH}`)
    const outer = this.#end
    this.#end = this.#position + length
    return outer
  }

  leave(outer: number): void {
    this.#position = this.#end
    this.#end = outer
    this.#depth--
  }

  /** Counts one list item, map entry or message against the limit of this decode. */
  countItem(): void {
    if (++this.#items > MAX_ITEMS) throw this.#error(`there are more than ${MAX_ITEMS} items`)
  }

  /** Skips the value of a field that nobody knows. */
  skip(tag: number): void {
    switch (tag & 7) {
      case WIRE.varint:
        this.#varint()
        return
      case WIRE.fixed64:
        this.#take(8)
        return
      case WIRE.bytes:
        this.#take(this.uint32())
        return
      case WIRE.groupStart:
        this.#skipGroup(tag >>> 3)
        return
      case WIRE.fixed32:
        this.#take(4)
        return
      default:
        throw this.#error(`wire type ${tag & 7} where a field begins`)
    }
  }

  #skipGroup(number: number): void {
    if (++this.#depth > MAX_DEPTH) throw this.#error(`messages are nested deeper than ${MAX_DEPTH}`)
    for (;;) {
      const tag = this.tag()
      if ((tag & 7) === WIRE.groupEnd) {
        if (tag >>> 3 !== number) throw this.#error(`the end of group ${tag >>> 3} inside group ${number}`)
        this.#depth--
        return
      }
      this.skip(tag)
    }
  }

  /** Moves past `length` bytes and returns where they begin. */
  #take(length: number): number {
    const start = this.#position
    if (length > this.#end - start) throw this.#error(`a value of ${length} bytes runs past the end`)
    this.#position = start + length
    return start
  }

  /** Reads up to 64 bits into `#low` and `#high` (both as signed 32-bit integers). */
  #varint(): void {
    let low = 0
    let high = 0
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.#position >= this.#end) throw this.#error('a varint runs past the end')
      const byte = this.#bytes[this.#position++] ?? 0
      const bits = byte & 0x7f
      if (shift < 28) low |= bits << shift
      else if (shift === 28) {
        low |= bits << 28
        high = bits >>> 4
      } else high |= bits << (shift - 32)
      if (byte < 0x80) {
        this.#low = low
        this.#high = high
        return
      }
    }
    throw this.#error('a varint is longer than ten bytes')
  }

  #safe(value: number): number {
    if (!Number.isSafeInteger(value)) throw this.#error(`the integer ${value} is beyond 2^53`)
    return value
  }

  #error(what: string): ProtobufError {
    return new ProtobufError(`Cannot decode protobuf at byte ${this.#position}: ${what}`)
  }
}
