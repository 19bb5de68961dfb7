// Compresses and expands SPDY/3 header blocks, one zlib stream per direction of a session.
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import { SpdyError } from './frames.ts'

/** Header names are in lower case; values of a repeated header keep their order. */
export type Headers = ReadonlyMap<string, readonly string[]>

export const MAX_HEADER_BYTES = 64 << 10
const MAX_HEADERS = 256
const WINDOW_BYTES = 32 << 10

const WORDS =
  'options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow authorization cache-control connection content-base content-encoding content-language content-length content-location content-md5 content-range content-type date etag expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade user-agent vary via warning www-authenticate method get status 200_OK version HTTP/1.1 url public set-cookie keep-alive origin'
const TAIL =
  '100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.'

function lengthPrefixed(text: string): Buffer {
  const bytes = Buffer.from(text)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** The preset dictionary of SPDY/3 (its Adler-32 names it on the wire). */
export const DICTIONARY: Buffer = Buffer.concat([
  ...WORDS.split(' ').map((word) => lengthPrefixed(word.replace('_', ' '))),
  Buffer.from(TAIL),
])
const ZLIB_HEADER = Buffer.from([0x78, 0xbb, 0xe3, 0xc6, 0xa7, 0xc2])

/** The last 32 KiB of plain text: every block ends on a sync flush, so this is all the state a zlib stream carries over. */
class Window {
  bytes = DICTIONARY
  add(plain: Buffer): void {
    this.bytes = Buffer.concat([this.bytes, plain]).subarray(-WINDOW_BYTES)
  }
}

export class HeaderEncoder {
  #window = new Window()
  #started = false

  encode(headers: Headers): Buffer {
    const count = Buffer.alloc(4)
    count.writeUInt32BE(headers.size)
    const fields = [...headers].flatMap(([name, values]) => [
      lengthPrefixed(name.toLowerCase()),
      lengthPrefixed(values.join('\0')),
    ])
    const plain = Buffer.concat([count, ...fields])
    const packed = deflateRawSync(plain, { dictionary: this.#window.bytes, finishFlush: constants.Z_SYNC_FLUSH })
    this.#window.add(plain)
    const prefix = this.#started ? Buffer.alloc(0) : ZLIB_HEADER
    this.#started = true
    return Buffer.concat([prefix, packed])
  }
}

export class HeaderDecoder {
  #window = new Window()
  #started = false

  decode(block: Buffer): Headers {
    const plain = this.#inflate(this.#started ? block : this.#skipHeader(block))
    this.#window.add(plain)
    let at = 0
    const word = (): number => {
      if (at + 4 > plain.length) throw new SpdyError('header block is cut short')
      at += 4
      return plain.readUInt32BE(at - 4)
    }
    const text = (): string => {
      const length = word()
      if (length > plain.length - at) throw new SpdyError('header block is cut short')
      at += length
      return plain.toString('utf8', at - length, at)
    }
    const count = word()
    if (count > MAX_HEADERS) throw new SpdyError(`${count} headers are over the limit of ${MAX_HEADERS}`)
    const headers = new Map<string, string[]>()
    for (let n = 0; n < count; n++) {
      const name = text().toLowerCase()
      headers.set(name, text().split('\0'))
    }
    return headers
  }

  #skipHeader(block: Buffer): Buffer {
    if (block.length < 2 || (block.readUInt8(0) & 0x0f) !== 8 || block.readUInt16BE(0) % 31 !== 0) {
      throw new SpdyError('header block is not a zlib stream')
    }
    this.#started = true
    const hasDictionary = (block.readUInt8(1) & 0x20) !== 0
    if (!hasDictionary) {
      this.#window.bytes = Buffer.alloc(0)
      return block.subarray(2)
    }
    if (!block.subarray(2, 6).equals(ZLIB_HEADER.subarray(2)))
      throw new SpdyError('header block names an unknown dictionary')
    return block.subarray(6)
  }

  #inflate(block: Buffer): Buffer {
    const dictionary = this.#window.bytes.length > 0 ? { dictionary: this.#window.bytes } : {}
    try {
      return inflateRawSync(block, {
        ...dictionary,
        finishFlush: constants.Z_SYNC_FLUSH,
        maxOutputLength: MAX_HEADER_BYTES,
      })
    } catch (cause) {
      throw new SpdyError('header block cannot be expanded', { cause })
    }
  }
}
