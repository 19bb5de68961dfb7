// Writes DER, the binary form of ASN.1, as far as certificates need it.

const CONSTRUCTED = 0x20

function tagged(tag: number, content: Uint8Array): Buffer {
  const { length } = content
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content])
  const size = Buffer.from(length.toString(16).padStart(length > 0xffff ? 6 : length > 0xff ? 4 : 2, '0'), 'hex')
  return Buffer.concat([Buffer.from([tag, 0x80 | size.length]), size, content])
}

export const sequence = (...items: Uint8Array[]): Buffer => tagged(0x10 | CONSTRUCTED, Buffer.concat(items))
export const set = (...items: Uint8Array[]): Buffer => tagged(0x11 | CONSTRUCTED, Buffer.concat(items))
export const octetString = (bytes: Uint8Array): Buffer => tagged(0x04, bytes)
export const utf8String = (text: string): Buffer => tagged(0x0c, Buffer.from(text))
export const boolean = (value: boolean): Buffer => tagged(0x01, Buffer.from([value ? 0xff : 0]))

/** A context-specific tag around whole values, or (implicit) in place of a primitive value's own tag. */
export const explicit = (number: number, content: Uint8Array): Buffer => tagged(0x80 | CONSTRUCTED | number, content)
export const implicit = (number: number, content: Uint8Array): Buffer => tagged(0x80 | number, content)

/** A non-negative integer from its big-endian bytes. */
export function integer(bytes: Uint8Array): Buffer {
  const start = bytes.findIndex((byte) => byte !== 0)
  const significant = start < 0 ? Buffer.from([0]) : Buffer.from(bytes.subarray(start))
  return tagged(0x02, (significant[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.from([0]), significant]) : significant)
}

/** `unused` bits at the end of the last byte do not count. */
export const bitString = (bytes: Uint8Array, unused = 0): Buffer =>
  tagged(0x03, Buffer.concat([Buffer.from([unused]), bytes]))

export function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const bytes = [first * 40 + second]
  for (const arc of rest) {
    const group = [arc & 0x7f]
    for (let left = arc >>> 7; left > 0; left >>>= 7) group.unshift((left & 0x7f) | 0x80)
    bytes.push(...group)
  }
  return tagged(0x06, Buffer.from(bytes))
}

/** UTCTime until 2049, GeneralizedTime after, as certificates must have it. */
export function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().slice(0, 19).replace(/[-T:]/g, '')
  return Number(digits.slice(0, 4)) < 2050
    ? tagged(0x17, Buffer.from(`${digits.slice(2)}Z`))
    : tagged(0x18, Buffer.from(`${digits}Z`))
}
