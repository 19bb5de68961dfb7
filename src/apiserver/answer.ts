// Writes an answer to its HTTP response: an object whole, a list in pieces whose memory is used again, a watch as frames that are made once.

import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Clock } from '../base/clock.ts'
import type { ApiResponse, ResponseBody, WatchFrame } from '../client/door.ts'
import { compress, THRESHOLD_BYTES, wantsGzip } from './compression.ts'
import { drainedOrClosed } from './drained.ts'
import { listLength, listParts, type Sink, sendParts } from './pieces.ts'

export const CLIENT_GONE = new Error('The client is gone')

/** Where an answer goes, and the clock by which its reader must not stall. */
export interface Outlet {
  readonly response: ServerResponse
  readonly clock: Clock
}

/** A promise where the answer is not yet handed over to its socket when this returns. */
export function writeAnswer(answer: ApiResponse, message: IncomingMessage, outlet: Outlet): Promise<void> | undefined {
  const { response } = outlet
  const { status, headers, body } = answer
  if (message.method === 'HEAD') return writeHead(answer, outlet)
  switch (body.kind) {
    case 'empty':
      return writeHead(answer, outlet)
    case 'bytes':
    case 'object': {
      const { bytes } = body
      if (bytes.length >= THRESHOLD_BYTES) return writeLarge(answer, bytes, message, outlet)
      response.writeHead(status, headLines(headers, bytes.length))
      response.end(bytes)
      return undefined
    }
    case 'list':
      return writeList(answer, body, message, outlet)
    case 'pieces':
      return sendParts(body.pieces, { zip: takesGzip(message) }, sinkOf(answer, outlet))
    case 'watch':
      return writeWatch(answer, body, outlet)
    case 'stream':
      return writeStream(answer, body.chunks, outlet)
  }
}

function writeHead({ status, headers }: ApiResponse, { response }: Outlet): undefined {
  response.writeHead(status, headers as OutgoingHttpHeaders)
  response.end()
}

async function writeLarge(
  { status, headers }: ApiResponse,
  bytes: Buffer,
  message: IncomingMessage,
  { response }: Outlet,
): Promise<void> {
  const sent = await compress(bytes, takesGzip(message))
  response.writeHead(status, {
    ...headers,
    ...sent.headers,
    'content-length': sent.bytes.length,
  } as OutgoingHttpHeaders)
  response.end(sent.bytes)
}

async function writeStream(
  { status, headers }: ApiResponse,
  chunks: AsyncIterable<Uint8Array>,
  outlet: Outlet,
): Promise<void> {
  const { response } = outlet
  response.writeHead(status, headers as OutgoingHttpHeaders)
  response.flushHeaders()
  for await (const chunk of chunks) if (!response.write(chunk)) await drained(outlet)
  response.end()
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

/** Lists up to this size are sent with one write. */
const WHOLE_BYTES = 64 * 1024

async function writeList(
  answer: ApiResponse,
  { head, items, tail }: Extract<ResponseBody, { kind: 'list' }>,
  message: IncomingMessage,
  outlet: Outlet,
): Promise<void> {
  const length = listLength(head, items, tail)
  const parts = listParts(head, items, tail)
  if (length > WHOLE_BYTES) return sendParts(parts, { length, zip: takesGzip(message) }, sinkOf(answer, outlet))
  const { response } = outlet
  response.writeHead(answer.status, headLines(answer.headers, length))
  response.end(Buffer.concat([...parts], length))
}

function takesGzip({ headers }: IncomingMessage): boolean {
  return wantsGzip(headers['accept-encoding'])
}

function sinkOf({ status, headers }: ApiResponse, outlet: Outlet): Sink {
  const { response } = outlet
  return {
    begin: (more) => response.writeHead(status, { ...headers, ...more } as OutgoingHttpHeaders),
    write: (piece, done) => (response.write(piece, done) ? undefined : drained(outlet)),
    end: (last, done) => response.end(last, done),
  }
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
  await drainedOrClosed(response.socket ?? response, { answer: response, cutOff: () => response.destroy(), clock })
  if (response.destroyed) throw CLIENT_GONE
}
