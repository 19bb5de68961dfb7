// HTTP/2 on connections of the HTTPS door that chose it: streams in place of connections, the same pipeline and the same limits behind them.

import {
  constants,
  type IncomingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { TLSSocket } from 'node:tls'
import type { Clock, Timer } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import * as errors from '../apimachinery/errors.ts'
import type { ApiRequest, ApiResponse, Handle } from '../client/door.ts'
import { CLIENT_GONE } from './answer.ts'
import { writeStream } from './http2-answer.ts'
import { targetOf } from './request-target.ts'
import { errorResponse } from './responses.ts'

/** Requests of one connection at once (upstream's limit). */
const MAX_STREAMS = 250
/** What a client may send of one body before the server has taken it. */
const WINDOW_BYTES = 256 * 1024
/** Streams that a client may open only to reset them: a burst, and so many a second from then on. Beyond that the connection ends. */
const RESET_BURST = 1000
const RESETS_PER_SECOND = 33
/** What the frames and answers under way of one connection may take: all of its streams together, so that readers who stall are bounded. */
const MAX_SESSION_MEGABYTES = 128

export interface Http2Options {
  handle: Handle
  clock: Clock
  log: Logger
  limits: {
    headerBytes: number
    bodyBytes: number
    /** For a whole request, its body included. */
    requestMs: number
    /** A connection without streams is closed after this time. */
    idleMs: number
  }
}

/** What all requests of a connection have in common. */
export type ConnectionFacts = Pick<ApiRequest, 'certificate' | 'remoteAddress'>

/** The connections of a door that speak HTTP/2. */
export class Http2Connections {
  readonly #options: Http2Options
  readonly #sessions = new Set<ServerHttp2Session>()

  constructor(options: Http2Options) {
    this.#options = options
  }

  serve(socket: TLSSocket, facts: ConnectionFacts): void {
    const { clock, log, limits } = this.#options
    const session = performServerHandshake(socket, {
      maxSessionMemory: MAX_SESSION_MEGABYTES,
      streamResetBurst: RESET_BURST,
      streamResetRate: RESETS_PER_SECOND,
      // Bytes are the limit, as in HTTP/1.1: headers that a proxy put last must not get lost.
      maxHeaderListPairs: limits.headerBytes,
      settings: {
        maxConcurrentStreams: MAX_STREAMS,
        maxHeaderListSize: limits.headerBytes,
        initialWindowSize: WINDOW_BYTES,
        enablePush: false,
      },
    })
    this.#sessions.add(session)
    const use = { open: 0, last: clock.monotonic() }
    const stopLooking = this.#closeWhenIdle(session, use)
    session.on('stream', (stream, headers) => {
      use.open++
      stream.on('close', () => {
        use.open--
        use.last = clock.monotonic()
      })
      const path = headers[':path']
      serve(this.#options, { stream, headers, facts }).catch((error: unknown) => {
        log.debug('Broke off an answer', { path, error })
        stream.close(constants.NGHTTP2_INTERNAL_ERROR)
      })
    })
    session.on('error', (error) => log.debug('Lost an HTTP/2 connection', { error }))
    session.once('close', () => {
      stopLooking()
      this.#sessions.delete(session)
    })
  }

  /** Pings do not count as use: clients send them on connections that they only keep. One timer is set again and again, not one for each stream. */
  #closeWhenIdle(session: ServerHttp2Session, use: { readonly open: number; readonly last: number }): () => void {
    const { clock, limits } = this.#options
    let timer: Timer
    const look = (): void => {
      const left = use.open > 0 ? limits.idleMs : use.last + limits.idleMs - clock.monotonic()
      if (left > 0) timer = clock.after(left, look)
      else session.close()
    }
    timer = clock.after(limits.idleMs, look)
    return () => timer.cancel()
  }

  /** Tells all clients to go elsewhere with what comes next; what is under way may end. */
  close(): void {
    for (const session of this.#sessions) session.close()
  }

  cutOff(): void {
    for (const session of this.#sessions) session.destroy()
  }
}

interface Incoming {
  stream: ServerHttp2Stream
  headers: IncomingHttpHeaders
  facts: ConnectionFacts
}

async function serve(options: Http2Options, incoming: Incoming): Promise<void> {
  const { stream } = incoming
  const gone = new AbortController()
  // What went wrong with a stream is told by its end.
  stream.on('error', () => {})
  // It ended before its answer was handed over whole. An answer that was is over, though Node may close its stream before all is written.
  stream.on('aborted', () => gone.abort(CLIENT_GONE))
  const request = requestOf(incoming, gone.signal)
  let answer: ApiResponse
  try {
    if (request.method !== 'GET' && request.method !== 'HEAD') request.body = await readBody(options, incoming)
    answer = await options.handle(request)
  } catch (error) {
    if (!(error instanceof errors.StatusError)) throw error
    answer = errorResponse(error, undefined, request.headers['accept'])
  }
  // Not awaited: a watch would hold all of this as long as it lasts.
  return writeStream(answer, request, { stream, clock: options.clock })
}

function requestOf({ headers: received, facts }: Incoming, signal: AbortSignal): ApiRequest {
  const headers: Record<string, string | undefined> = {}
  for (const name in received) {
    const value = received[name]
    if (!name.startsWith(':')) headers[name] = Array.isArray(value) ? value.join(', ') : value
  }
  const authority = received[':authority']
  if (authority !== undefined) headers['host'] = authority
  return {
    method: received[':method'] ?? 'GET',
    ...targetOf(received[':path'] ?? '/'),
    headers,
    ...facts,
    signal,
  }
}

function readBody({ clock, limits }: Http2Options, { stream, headers }: Incoming): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const refuse = (): void => reject(errors.requestEntityTooLarge(limits.bodyBytes))
  if (Number(headers['content-length'] ?? 0) > limits.bodyBytes) {
    refuse()
    return promise
  }
  const late = clock.after(limits.requestMs, () => stream.close(constants.NGHTTP2_CANCEL))
  const parts: Buffer[] = []
  let size = 0
  stream.on('data', (bytes: Buffer) => {
    size += bytes.length
    if (size <= limits.bodyBytes) parts.push(bytes)
    else {
      stream.pause()
      refuse()
    }
  })
  stream.once('end', () => resolve(parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts)))
  stream.once('close', () => reject(CLIENT_GONE))
  return promise.finally(() => late.cancel())
}
