// Writes the protobuf wire format into a growing Buffer; nested lengths are patched in place, so nothing is measured twice.

import { ProtobufError } from './error.ts'

const TWO_32 = 0x1_0000_0000
const INITIAL_BYTES = 256
const MAX_KEPT_BYTES = 4 * 1024 * 1024

export class Writer {
  #bytes = Buffer.allocUnsafe(INITIAL_BYTES)
  #position = 0

  /** What was written; a view that further writes may overwrite. */
  finish(): Buffer {
    return this.#bytes.subarray(0, this.#position)
  }

  /** Forgets what was written; the memory is used again, unless it is much. */
  clear(): void {
    if (this.#bytes.length > MAX_KEPT_BYTES) this.#bytes = Buffer.allocUnsafe(INITIAL_BYTES)
    this.#position = 0
  }

  tag(number: number, wire: number): void {
    this.uint32(number * 8 + wire)
  }

  uint32(value: number): void {
    if (value >>> 0 !== value) throw unencodable(value, 'an unsigned 32-bit integer')
    this.#ensure(5)
    let rest = value
    while (rest > 0x7f) {
      this.#bytes[this.#position++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.#bytes[this.#position++] = rest
  }

  int32(value: number): void {
    if ((value | 0) !== value) throw unencodable(value, 'a 32-bit integer')
    if (value >= 0) this.uint32(value)
    else this.#varint(value, -1)
  }

  bool(value: boolean): void {
    this.#ensure(1)
    this.#bytes[this.#position++] = value ? 1 : 0
  }

  int64(value: number): void {
    if (!Number.isSafeInteger(value)) throw unencodable(value, 'an integer within 2^53')
    this.#varint(value % TWO_32, Math.floor(value / TWO_32))
  }

  /** A whole number of any size, as the 64-bit integer it stands for; negative ones in two's complement. */
  int64Rounded(value: number): void {
    if (!Number.isInteger(value) || value >= 2 ** 64 || value < -(2 ** 63)) throw unencodable(value, 'a 64-bit integer')
    this.bigInt64(BigInt(value))
  }

  bigInt64(value: bigint): void {
    const low = Number(BigInt.asIntN(32, value))
    const high = Number(BigInt.asIntN(32, value >> 32n))
    this.#varint(low, high)
  }

  fixed32(value: number): void {
    this.#ensure(4)
    this.#position = this.#bytes.writeUInt32LE(value, this.#position)
  }

  fixed64(value: bigint): void {
    this.#ensure(8)
    this.#position = this.#bytes.writeBigUInt64LE(value, this.#position)
  }

  double(value: number): void {
    this.#ensure(8)
    this.#position = this.#bytes.writeDoubleLE(value, this.#position)
  }

  bytes(value: Uint8Array): void {
    this.uint32(value.length)
    this.#ensure(value.length)
    this.#bytes.set(value, this.#position)
    this.#position += value.length
  }

  string(value: string): void {
    const length = Buffer.byteLength(value)
    this.uint32(length)
    this.#ensure(length)
    this.#position += this.#bytes.write(value, this.#position, length === value.length ? 'latin1' : 'utf8')
  }

  /** A part of a value whose length stands before it: between `begin` and `end`. */
  part(value: Uint8Array | string): void {
    const most = typeof value === 'string' ? value.length * 3 : value.length
    this.#ensure(most)
    if (typeof value === 'string') {
      this.#position += this.#bytes.write(value, this.#position)
    } else {
      this.#bytes.set(value, this.#position)
      this.#position += value.length
    }
  }

  /** Begins a length-delimited value of unknown length; give what this returns to `end`. */
  begin(): number {
    this.#ensure(1)
    return this.#position++
  }

  end(start: number): void {
    const length = this.#position - start - 1
    if (length < 0x80) {
      this.#bytes[start] = length
      return
    }
    let extra = 0
    for (let rest = length >>> 7; rest > 0; rest >>>= 7) extra++
    this.#ensure(extra)
    this.#bytes.copyWithin(start + 1 + extra, start + 1, this.#position)
    const end = this.#position + extra
    this.#position = start
    this.uint32(length)
    this.#position = end
  }

  /** Writes 64 bits, given as two 32-bit halves of any sign. */
  #varint(lowHalf: number, highHalf: number): void {
    this.#ensure(10)
    let low = lowHalf >>> 0
    let high = highHalf >>> 0
    while (high !== 0 || low > 0x7f) {
      this.#bytes[this.#position++] = (low & 0x7f) | 0x80
      low = ((low >>> 7) | (high << 25)) >>> 0
      high >>>= 7
    }
    this.#bytes[this.#position++] = low
  }

  #ensure(size: number): void {
    const needed = this.#position + size
    if (needed <= this.#bytes.length) return
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2))
    this.#bytes.copy(grown, 0, 0, this.#position)
    this.#bytes = grown
  }
}

function unencodable(value: unknown, wanted: string): ProtobufError {
  return new ProtobufError(`Cannot encode protobuf: ${String(value)} is not ${wanted}`)
}
