// Sends what comes in parts: whole where it is short, in pieces where it is long, zipped where the client wants it so. Parts are asked for when the
// reader has taken the pieces before.

import { pipeline } from 'node:stream/promises'
import { constants, createGzip } from 'node:zlib'
import { compress, ZIPPED } from './compression.ts'

/** Where an answer goes. */
export interface Sink {
  /** Its head, once and first. */
  begin(headers: Readonly<Record<string, string | number>>): void
  /** A promise to wait for when the reader is behind; `done` is called when the memory of the piece is free again. */
  write(piece: Buffer, done?: () => void): Promise<void> | undefined
  end(last?: Buffer, done?: () => void): void
}

export interface SendOptions {
  /** Of all the parts, where it is known before. */
  length?: number
  /** Does the client take gzip? */
  zip: boolean
}

export async function sendParts(parts: Iterable<Buffer>, { length, zip }: SendOptions, sink: Sink): Promise<void> {
  const pieces = gathered(parts)
  const first = pieces.next().value ?? Buffer.alloc(0)
  const second = pieces.next().value
  if (second === undefined) {
    const sent = await compress(first, zip)
    sink.begin({ ...sent.headers, 'content-length': sent.bytes.length })
    sink.end(sent.bytes, () => givePiece(first))
    return
  }
  const all = inTurn(first, second, pieces)
  if (zip) {
    sink.begin(ZIPPED)
    await pipeline(
      givenBack(all),
      createGzip({ level: constants.Z_BEST_SPEED, chunkSize: ZIP_BYTES }),
      async (zipped) => {
        for await (const chunk of zipped as AsyncIterable<Buffer>) await sink.write(chunk)
      },
    )
  } else {
    sink.begin(length === undefined ? {} : { 'content-length': length })
    for (const piece of all) {
      const full = sink.write(piece, () => givePiece(piece))
      if (full !== undefined) await full
    }
  }
  sink.end()
}

function* inTurn(first: Buffer, second: Buffer, rest: Iterable<Buffer>): Generator<Buffer> {
  yield first
  yield second
  yield* rest
}

/** Whoever asks for the next piece is done with the one before. */
function* givenBack(pieces: Iterable<Buffer>): Generator<Buffer> {
  for (const piece of pieces) {
    yield piece
    givePiece(piece)
  }
}

/** The parts in pieces of one size. Their memory is used again: fresh memory for megabytes of answer would cost more than the copying. */
function* gathered(parts: Iterable<Buffer>): Generator<Buffer, undefined> {
  let piece = takePiece()
  let size = 0
  for (const part of parts) {
    let from = 0
    while (size + part.length - from > PIECE_BYTES) {
      from += part.copy(piece, size, from)
      yield piece
      piece = takePiece()
      size = 0
    }
    size += part.copy(piece, size, from)
  }
  if (size > 0) yield piece.subarray(0, size)
}

const ZIP_BYTES = 64 * 1024
const PIECE_BYTES = 256 * 1024
const MAX_FREE_PIECES = 16
const freePieces: Buffer[] = []

function givePiece({ buffer }: Buffer): void {
  if (freePieces.length < MAX_FREE_PIECES && buffer.byteLength === PIECE_BYTES) freePieces.push(Buffer.from(buffer))
}

function takePiece(): Buffer {
  return freePieces.pop() ?? Buffer.allocUnsafeSlow(PIECE_BYTES)
}

const COMMA = Buffer.from(',')

export function* listParts(head: Buffer, items: readonly { bytes: Buffer }[], tail: Buffer): Generator<Buffer> {
  yield head
  for (let i = 0; i < items.length; i++) {
    if (i > 0) yield COMMA
    const item = items[i]
    if (item) yield item.bytes
  }
  yield tail
}

/** How long a list will be. */
export function listLength(head: Buffer, items: readonly { bytes: Buffer }[], tail: Buffer): number {
  let length = head.length + tail.length + Math.max(0, items.length - 1)
  for (const item of items) length += item.bytes.length
  return length
}
