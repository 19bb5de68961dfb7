// Writes an answer to its HTTP response: an object whole, a list in pieces whose memory is used again, a watch as frames that are made once.

import { once } from 'node:events'
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Clock } from '../base/clock.ts'
import type { ApiResponse, ResponseBody, WatchFrame } from '../client/door.ts'
import { compress, wantsGzip } from './compression.ts'

export const CLIENT_GONE = new Error('The client is gone')
/** A client that takes nothing of its answer for this long is cut off: what waits for it must not wait for ever. */
export const STALL_MS = 60_000

/** Where an answer goes, and the clock by which its reader must not stall. */
export interface Outlet {
  readonly response: ServerResponse
  readonly clock: Clock
}

export async function writeAnswer(answer: ApiResponse, message: IncomingMessage, outlet: Outlet): Promise<void> {
  const { response } = outlet
  const { status, headers, body } = answer
  if (message.method === 'HEAD') {
    response.writeHead(status, headers as OutgoingHttpHeaders)
    response.end()
    return
  }
  switch (body.kind) {
    case 'empty':
      response.writeHead(status, headers as OutgoingHttpHeaders)
      response.end()
      return
    case 'bytes':
    case 'object': {
      const { bytes } = body
      if (bytes.length < COMPRESSED_FROM) {
        response.writeHead(status, headLines(headers, bytes.length))
        response.end(bytes)
        return
      }
      const sent = await compress(bytes, wantsGzip(message.headers['accept-encoding']))
      response.writeHead(status, {
        ...headers,
        ...sent.headers,
        'content-length': sent.bytes.length,
      } as OutgoingHttpHeaders)
      response.end(sent.bytes)
      return
    }
    case 'list':
      return writeList(answer, body, message, outlet)
    case 'watch':
      return writeWatch(answer, body, outlet)
    case 'stream':
      response.writeHead(status, headers as OutgoingHttpHeaders)
      response.flushHeaders()
      for await (const chunk of body.chunks) if (!response.write(chunk)) await drained(outlet)
      response.end()
  }
}

/** The headers as names and values in turn: the form that Node takes over as it is. */
function headLines(headers: ApiResponse['headers'], length: number): (string | number)[] {
  const lines: (string | number)[] = []
  for (const name in headers) {
    const value = headers[name]
    if (typeof value === 'string') lines.push(name, value)
    else for (const each of value ?? []) lines.push(name, each)
  }
  lines.push('content-length', length)
  return lines
}

/** Lists up to this size are sent with one write, longer ones in pieces. */
const WHOLE_BYTES = 64 * 1024
const COMMA = Buffer.from(',')

async function writeList(
  answer: ApiResponse,
  body: Extract<ResponseBody, { kind: 'list' }>,
  message: IncomingMessage,
  outlet: Outlet,
): Promise<void> {
  const { response } = outlet
  const { head, items, tail } = body
  let length = head.length + tail.length + Math.max(0, items.length - 1)
  for (const item of items) length += item.bytes.length
  if (gathers(length, message.headers['accept-encoding'])) {
    const sent = await compress(Buffer.concat([...pieces(head, items, tail)]), true)
    response.writeHead(answer.status, {
      ...answer.headers,
      ...sent.headers,
      'content-length': sent.bytes.length,
    } as OutgoingHttpHeaders)
    response.end(sent.bytes)
    return
  }
  response.writeHead(answer.status, { ...answer.headers, 'content-length': length } as OutgoingHttpHeaders)
  if (length <= WHOLE_BYTES) {
    response.end(Buffer.concat([...pieces(head, items, tail)], length))
    return
  }
  const writer = new PieceWriter(outlet)
  for (const part of pieces(head, items, tail)) {
    const full = writer.add(part)
    if (full !== undefined) await full
  }
  writer.end()
}

/** Shorter lists are not worth compressing (upstream's limit). */
const COMPRESSED_FROM = 128 * 1024
/** Longer lists are not gathered in memory to be compressed. */
const MAX_GZIP_LIST = 16 * 1024 * 1024

/** Is a list of this length compressed, and so one piece? */
export function gathers(length: number, acceptEncoding: string | undefined): boolean {
  return length > COMPRESSED_FROM && length <= MAX_GZIP_LIST && wantsGzip(acceptEncoding)
}

/**
 * Gathers the parts of a list in pieces. The memory of a piece is taken again once the socket is done with it: fresh memory for
 * megabytes of answer would cost more than the copying.
 */
class PieceWriter {
  readonly #outlet: Outlet
  #piece: Buffer = takePiece()
  #size = 0

  constructor(outlet: Outlet) {
    this.#outlet = outlet
  }

  /** A promise to wait for when the client is behind. */
  add(part: Buffer): Promise<void> | undefined {
    let waiting: Promise<void> | undefined
    let from = 0
    while (this.#size + part.length - from > PIECE_BYTES) {
      const copied = part.copy(this.#piece, this.#size, from)
      from += copied
      this.#size += copied
      if (!this.#send()) waiting ??= drained(this.#outlet)
    }
    this.#size += part.copy(this.#piece, this.#size, from)
    return waiting
  }

  end(): void {
    this.#send()
    givePiece(this.#piece)
    this.#outlet.response.end()
  }

  #send(): boolean {
    const sent = this.#piece
    const more = this.#outlet.response.write(sent.subarray(0, this.#size), () => givePiece(sent))
    this.#piece = takePiece()
    this.#size = 0
    return more
  }
}

const PIECE_BYTES = 256 * 1024
const MAX_FREE_PIECES = 16
const freePieces: Buffer[] = []

function givePiece(piece: Buffer): void {
  if (freePieces.length < MAX_FREE_PIECES) freePieces.push(piece)
}

function takePiece(): Buffer {
  return freePieces.pop() ?? Buffer.allocUnsafeSlow(PIECE_BYTES)
}

export function* pieces(head: Buffer, items: readonly { bytes: Buffer }[], tail: Buffer): Generator<Buffer> {
  yield head
  for (let i = 0; i < items.length; i++) {
    if (i > 0) yield COMMA
    const item = items[i]
    if (item) yield item.bytes
  }
  yield tail
}

async function writeWatch(
  answer: ApiResponse,
  body: Extract<ResponseBody, { kind: 'watch' }>,
  outlet: Outlet,
): Promise<void> {
  const { response } = outlet
  response.writeHead(answer.status, answer.headers as OutgoingHttpHeaders)
  response.flushHeaders()
  const { socket } = response
  if (!socket) throw CLIENT_GONE
  for await (const batch of body.events) {
    // One chunk, written to the socket at once: through `response.write` it would be four pieces and a tick of the loop.
    if (batch.length > 0 && !socket.write(sharedChunk(batch, response.chunkedEncoding))) await drained(outlet)
    if (response.destroyed) return
  }
  response.end()
}

const EMPTY = Buffer.alloc(0)
const CHUNK_END = Buffer.from('\r\n')

/** What one commit changed is told to all its watchers in a row: the chunk of the last frames is made once for them. */
let last: { frames: readonly WatchFrame[]; chunk: Buffer } | undefined

function sharedChunk(frames: readonly WatchFrame[], chunked: boolean): Buffer {
  if (!chunked) return chunkOf(frames, false)
  if (last === undefined || !sameFrames(last.frames, frames)) last = { frames, chunk: chunkOf(frames, true) }
  return last.chunk
}

function sameFrames(a: readonly WatchFrame[], b: readonly WatchFrame[]): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** Clients of HTTP/1.0 get the lines as they are. */
function chunkOf(batch: readonly WatchFrame[], chunked: boolean): Buffer {
  const pieces: Buffer[] = [EMPTY]
  let size = 0
  for (const { line } of batch) {
    pieces.push(line)
    size += line.length
  }
  if (!chunked) return Buffer.concat(pieces)
  pieces[0] = Buffer.from(`${size.toString(16)}\r\n`, 'latin1')
  pieces.push(CHUNK_END)
  return Buffer.concat(pieces)
}

async function drained({ response, clock }: Outlet): Promise<void> {
  if (response.destroyed) throw CLIENT_GONE
  const source = response.socket ?? response
  const stop = new AbortController()
  const stalled = clock.after(STALL_MS, () => response.destroy())
  try {
    await Promise.race([
      once(source, 'drain', { signal: stop.signal }),
      once(response, 'close', { signal: stop.signal }),
    ])
  } finally {
    stalled.cancel()
    stop.abort()
  }
  if (response.destroyed) throw CLIENT_GONE
}
