// Encodes and decodes SPDY/3.1 frames: bytes of any chunking in, whole frames out, within named limits.

export const FLAG_FIN = 0x01

/** Why a stream was reset (SPDY/3.1, 2.6.3). */
export const RST = {
  protocolError: 1,
  invalidStream: 2,
  refusedStream: 3,
  cancel: 5,
  internalError: 6,
  flowControlError: 7,
  streamInUse: 8,
} as const

/** No peer of ours sends data frames beyond 64 KiB; 1 MiB leaves room without letting a length field size our memory. */
export const MAX_FRAME_BYTES = 1 << 20

export type Frame =
  | { type: 'data'; streamId: number; fin: boolean; data: Buffer }
  | { type: 'syn-stream'; streamId: number; fin: boolean; unidirectional: boolean; priority: number; block: Buffer }
  | { type: 'syn-reply'; streamId: number; fin: boolean; block: Buffer }
  | { type: 'headers'; streamId: number; fin: boolean; block: Buffer }
  | { type: 'rst-stream'; streamId: number; status: number }
  | { type: 'settings'; entries: { id: number; value: number }[] }
  | { type: 'ping'; id: number }
  | { type: 'goaway'; lastStreamId: number; status: number }
  | { type: 'window-update'; streamId: number; delta: number }
  | { type: 'unknown'; code: number }

export class SpdyError extends Error {
  override name = 'SpdyError'
}

const VERSION = 3
const CODES = {
  'syn-stream': 1,
  'syn-reply': 2,
  'rst-stream': 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  headers: 8,
  'window-update': 9,
}

function control(code: number, flags: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  const head = Buffer.alloc(8)
  head.writeUInt16BE(0x8000 | VERSION, 0)
  head.writeUInt16BE(code, 2)
  head.writeUInt32BE(((flags << 24) | body.length) >>> 0, 4)
  return Buffer.concat([head, body])
}

function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4)
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value >>> 0, index * 4)
  return bytes
}

export function encodeFrame(frame: Exclude<Frame, { type: 'unknown' }>): Buffer {
  switch (frame.type) {
    case 'data':
      return Buffer.concat([
        words(frame.streamId, ((frame.fin ? FLAG_FIN << 24 : 0) | frame.data.length) >>> 0),
        frame.data,
      ])
    case 'syn-stream': {
      const flags = (frame.fin ? FLAG_FIN : 0) | (frame.unidirectional ? 0x02 : 0)
      return control(
        CODES['syn-stream'],
        flags,
        words(frame.streamId, 0),
        Buffer.from([frame.priority << 5, 0]),
        frame.block,
      )
    }
    case 'syn-reply':
    case 'headers':
      return control(CODES[frame.type], frame.fin ? FLAG_FIN : 0, words(frame.streamId), frame.block)
    case 'rst-stream':
      return control(CODES['rst-stream'], 0, words(frame.streamId, frame.status))
    case 'settings':
      return control(
        CODES.settings,
        0,
        words(frame.entries.length, ...frame.entries.flatMap(({ id, value }) => [id, value])),
      )
    case 'ping':
      return control(CODES.ping, 0, words(frame.id))
    case 'goaway':
      return control(CODES.goaway, 0, words(frame.lastStreamId, frame.status))
    case 'window-update':
      return control(CODES['window-update'], 0, words(frame.streamId, frame.delta))
  }
}

function decodeControl(code: number, flags: number, body: Buffer): Frame {
  const fin = (flags & FLAG_FIN) !== 0
  const need = (size: number): void => {
    if (body.length < size) throw new SpdyError(`control frame ${code} is too short: ${body.length} bytes`)
  }
  const id = (at: number): number => body.readUInt32BE(at) & 0x7fffffff
  switch (code) {
    case 1:
      need(10)
      return {
        type: 'syn-stream',
        streamId: id(0),
        fin,
        unidirectional: (flags & 0x02) !== 0,
        priority: body.readUInt8(8) >> 5,
        block: body.subarray(10),
      }
    case 2:
    case 8:
      need(4)
      return { type: code === 2 ? 'syn-reply' : 'headers', streamId: id(0), fin, block: body.subarray(4) }
    case 3:
      need(8)
      return { type: 'rst-stream', streamId: id(0), status: body.readUInt32BE(4) }
    case 4: {
      need(4)
      const count = body.readUInt32BE(0)
      need(4 + count * 8)
      const entries = Array.from({ length: count }, (_, n) => ({
        id: body.readUInt32BE(4 + n * 8) & 0xffffff,
        value: body.readUInt32BE(8 + n * 8),
      }))
      return { type: 'settings', entries }
    }
    case 6:
      need(4)
      return { type: 'ping', id: body.readUInt32BE(0) }
    case 7:
      need(8)
      return { type: 'goaway', lastStreamId: id(0), status: body.readUInt32BE(4) }
    case 9:
      need(8)
      return { type: 'window-update', streamId: id(0), delta: id(4) }
    default:
      return { type: 'unknown', code }
  }
}

/** Collects bytes and hands out whole frames; throws SpdyError on a frame no peer may send. */
export class FrameDecoder {
  #chunks: Buffer[] = []
  #size = 0

  push(chunk: Buffer): Frame[] {
    this.#chunks.push(chunk)
    this.#size += chunk.length
    const frames: Frame[] = []
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) frames.push(frame)
    return frames
  }

  #next(): Frame | undefined {
    const head = this.#peek(8)
    if (head === undefined) return undefined
    const length = head.readUInt32BE(4) & 0xffffff
    if (length > MAX_FRAME_BYTES)
      throw new SpdyError(`frame of ${length} bytes is over the limit of ${MAX_FRAME_BYTES}`)
    const isControl = (head.readUInt8(0) & 0x80) !== 0
    if (isControl && (head.readUInt16BE(0) & 0x7fff) !== VERSION) throw new SpdyError('unsupported SPDY version')
    const whole = this.#peek(8 + length)
    if (whole === undefined) return undefined
    this.#size -= whole.length
    this.#chunks = this.#size > 0 ? [(this.#chunks[0] ?? whole).subarray(whole.length)] : []
    const body = whole.subarray(8)
    const flags = whole.readUInt8(4)
    if (isControl) return decodeControl(whole.readUInt16BE(2), flags, body)
    return { type: 'data', streamId: whole.readUInt32BE(0), fin: (flags & FLAG_FIN) !== 0, data: body }
  }

  /** The first `size` bytes, joined only once that many are here: many small chunks cost linear time. */
  #peek(size: number): Buffer | undefined {
    if (this.#size < size) return undefined
    const first = this.#chunks[0]
    if (first !== undefined && first.length >= size) return first.subarray(0, size)
    this.#chunks = [Buffer.concat(this.#chunks)]
    return this.#chunks[0]?.subarray(0, size)
  }
}
