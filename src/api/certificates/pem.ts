// Reads PEM: blocks of base64 between lines that say what they are.

export interface PemBlock {
  readonly type: string
  readonly headers: boolean
  readonly bytes: Uint8Array
}

const BLOCK = /-----BEGIN ([^\r\n]*)-----\r?\n([\s\S]*?)-----END \1-----/g
const HEADERS = /^(?:[^\r\n:]+:[^\r\n]*\r?\n)+(?:\r?\n)?/
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/

/** The well-formed blocks of `text`, in order; what stands around them does not count. */
export function pemBlocks(text: string): PemBlock[] {
  const blocks: PemBlock[] = []
  for (const [, type = '', body = ''] of text.matchAll(BLOCK)) {
    const headers = HEADERS.exec(body)?.[0] ?? ''
    const base64 = body.slice(headers.length).replace(/\s/g, '')
    if (base64.length % 4 !== 0 || !BASE64.test(base64)) continue
    blocks.push({ type, headers: headers !== '', bytes: bytesOf(base64) })
  }
  return blocks
}

function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
}

/** The text that a field of type bytes holds in base64. */
export function textOfBytes(base64: string): string {
  return new TextDecoder().decode(bytesOf(base64))
}
