// Writes an answer to its HTTP/2 stream.

import { constants, type ServerHttp2Stream } from 'node:http2'
import type { Clock } from '../base/clock.ts'
import type { ApiRequest, ApiResponse, ResponseBody, WatchFrame } from '../client/door.ts'
import { CLIENT_GONE } from './answer.ts'
import { compress, THRESHOLD_BYTES, wantsGzip } from './compression.ts'
import { drainedOrClosed } from './drained.ts'
import { listLength, listParts, type SendOptions, sendParts } from './pieces.ts'

/** Where an answer goes, and the clock by which its reader must not stall. */
interface Outlet {
  readonly stream: ServerHttp2Stream
  readonly clock: Clock
}

/** A promise where the answer is not yet handed over to its stream when this returns. */
export function writeStream(answer: ApiResponse, request: ApiRequest, outlet: Outlet): Promise<void> | undefined {
  const { stream } = outlet
  if (stream.destroyed) throw CLIENT_GONE
  const { body } = answer
  if (request.method === 'HEAD') return writeHead(answer, outlet)
  switch (body.kind) {
    case 'empty':
      return writeHead(answer, outlet)
    case 'bytes':
    case 'object':
      return writeWhole(answer, request, outlet, body.bytes)
    case 'list':
      return writeList(answer, body, request, outlet)
    case 'pieces':
      return writeParts(answer, body.pieces, { zip: takesGzip(request) }, outlet)
    case 'watch':
      stream.respond(headLines(answer))
      return writeWatch(body.events, outlet)
    case 'stream':
      stream.respond(headLines(answer))
      return writeChunks(body.chunks, outlet)
  }
}

async function writeChunks(chunks: AsyncIterable<Uint8Array>, outlet: Outlet): Promise<void> {
  const { stream } = outlet
  for await (const chunk of chunks) if (!stream.write(chunk)) await drained(outlet)
  stream.end()
  finish(stream)
}

/** It may last for hours: nothing of the request is held meanwhile. */
async function writeWatch(events: AsyncIterable<readonly WatchFrame[]>, outlet: Outlet): Promise<void> {
  const { stream } = outlet
  for await (const batch of events) {
    if (batch.length > 0 && !stream.write(linesOf(batch))) await drained(outlet)
    if (stream.destroyed) return
  }
  stream.end()
  finish(stream)
}

function writeHead(answer: ApiResponse, { stream }: Outlet): undefined {
  stream.respond(headLines(answer), { endStream: true })
  finish(stream)
}

type More = Readonly<Record<string, string | number>>
const NO_MORE: More = {}

/**
 * The head as names and values in turn: the form that Node takes over as it is. `more` replaces what the answer says itself. HTTP/2 has no names in
 * capitals, and nothing about connections.
 */
function headLines({ status, headers }: ApiResponse, more: More = NO_MORE): string[] {
  const lines = [':status', String(status)]
  for (const name in headers) {
    const lower = name.toLowerCase()
    if (OF_CONNECTIONS.has(lower) || Object.hasOwn(more, lower)) continue
    const value = headers[name]
    if (typeof value === 'string') lines.push(lower, value)
    else for (const each of value ?? []) lines.push(lower, each)
  }
  for (const name in more) lines.push(name, String(more[name]))
  return lines
}

const OF_CONNECTIONS = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'te',
])

function writeWhole(
  answer: ApiResponse,
  request: ApiRequest,
  outlet: Outlet,
  bytes: Buffer,
): Promise<void> | undefined {
  if (bytes.length >= THRESHOLD_BYTES) return writeLarge(answer, request, outlet, bytes)
  const { stream } = outlet
  stream.respond(headLines(answer, { 'content-length': bytes.length }))
  stream.end(bytes)
  finish(stream)
  return undefined
}

async function writeLarge(answer: ApiResponse, request: ApiRequest, { stream }: Outlet, bytes: Buffer): Promise<void> {
  const sent = await compress(bytes, takesGzip(request))
  if (stream.destroyed) throw CLIENT_GONE
  stream.respond(headLines(answer, { ...sent.headers, 'content-length': sent.bytes.length }))
  stream.end(sent.bytes)
  finish(stream)
}

async function writeList(
  answer: ApiResponse,
  { head, items, tail }: Extract<ResponseBody, { kind: 'list' }>,
  request: ApiRequest,
  outlet: Outlet,
): Promise<void> {
  const length = listLength(head, items, tail)
  await writeParts(answer, listParts(head, items, tail), { length, zip: takesGzip(request) }, outlet)
}

async function writeParts(
  answer: ApiResponse,
  parts: Iterable<Buffer>,
  options: SendOptions,
  outlet: Outlet,
): Promise<void> {
  const { stream } = outlet
  await sendParts(parts, options, {
    begin(more) {
      if (stream.destroyed) throw CLIENT_GONE
      stream.respond(headLines(answer, more))
    },
    write: (piece, done) => (stream.write(piece, done) ? undefined : drained(outlet)),
    end: (last, done) => stream.end(last, done),
  })
  finish(stream)
}

function takesGzip({ headers }: ApiRequest): boolean {
  return wantsGzip(headers['accept-encoding'])
}

function linesOf(batch: readonly WatchFrame[]): Buffer {
  const [first] = batch
  return batch.length === 1 && first ? first.line : Buffer.concat(batch.map(({ line }) => line))
}

/** What is left of a body that the answer did not wait for is not wanted. */
function finish(stream: ServerHttp2Stream): void {
  if (stream.readableEnded) return
  if (stream.isPaused()) stream.once('finish', () => stream.close(constants.NGHTTP2_NO_ERROR))
  else stream.resume()
}

async function drained({ stream, clock }: Outlet): Promise<void> {
  if (stream.destroyed) throw CLIENT_GONE
  await drainedOrClosed(stream, { answer: stream, cutOff: () => stream.close(constants.NGHTTP2_CANCEL), clock })
  if (stream.destroyed || stream.closed) throw CLIENT_GONE
}
