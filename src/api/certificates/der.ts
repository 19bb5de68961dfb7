// Reads DER, as far as certificate requests and certificates need it: tags, lengths, object identifiers, texts.

export interface DerValue {
  readonly tag: number
  /** Without tag and length. */
  readonly content: Uint8Array
  /** Tag, length and content as they stand. */
  readonly whole: Uint8Array
}

export const TAG = { integer: 0x02, bitString: 0x03, octetString: 0x04, oid: 0x06, sequence: 0x30, set: 0x31 } as const

export class DerError extends Error {}

/** The values that stand side by side in `bytes`, to its end. */
export function readAll(bytes: Uint8Array): DerValue[] {
  const values: DerValue[] = []
  for (let at = 0; at < bytes.length; ) {
    const value = readAt(bytes, at)
    values.push(value)
    at += value.whole.length
  }
  return values
}

function readAt(bytes: Uint8Array, start: number): DerValue {
  const tag = bytes[start]
  const first = bytes[start + 1]
  if (tag === undefined || first === undefined) throw new DerError('asn1: syntax error: truncated tag or length')
  let length = first
  let at = start + 2
  if (first >= 0x80) {
    const size = first & 0x7f
    if (size === 0) throw new DerError('asn1: syntax error: indefinite length found (not DER)')
    if (size > 4) throw new DerError('asn1: structure error: length too large')
    length = 0
    for (const end = at + size; at < end; at++) {
      const next = bytes[at]
      if (next === undefined) throw new DerError('asn1: syntax error: truncated tag or length')
      length = length * 256 + next
    }
  }
  if (at + length > bytes.length) throw new DerError('asn1: syntax error: data truncated')
  return { tag, content: bytes.subarray(at, at + length), whole: bytes.subarray(start, at + length) }
}

/** The single value that `bytes` are. */
export function readOne(bytes: Uint8Array, tag: number): DerValue {
  const value = expectTag(readAt(bytes, 0), tag)
  if (value.whole.length !== bytes.length) throw new DerError('asn1: syntax error: trailing data')
  return value
}

export function expectTag(value: DerValue | undefined, tag: number): DerValue {
  if (value === undefined) throw new DerError('asn1: syntax error: sequence truncated')
  if (value.tag !== tag) throw new DerError("asn1: structure error: tags don't match")
  return value
}

/** `1.2.840.113549.1.1.11` */
export function readOid({ content }: DerValue): string {
  const parts: number[] = []
  let part = 0
  for (const byte of content) {
    part = part * 128 + (byte & 0x7f)
    if (byte >= 0x80) continue
    if (parts.length === 0)
      parts.push(Math.min(2, Math.trunc(part / 40)), part - 40 * Math.min(2, Math.trunc(part / 40)))
    else parts.push(part)
    part = 0
  }
  return parts.join('.')
}

/** The bits of a bit string of whole bytes. */
export function readBits({ content }: DerValue): Uint8Array {
  if (content[0] !== 0) throw new DerError('asn1: syntax error: invalid padding bits in BIT STRING')
  return content.subarray(1)
}

const BMP_STRING = 0x1e

/** A printable, UTF-8, IA5 or BMP string. */
export function readText({ tag, content }: DerValue): string {
  if (tag !== BMP_STRING) return new TextDecoder().decode(content)
  return new TextDecoder('utf-16be').decode(content)
}
