// A watch over a WebSocket: one message for each event, nothing in the other direction, the same checks and cut-offs as over HTTP.

import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Clock } from '../base/clock.ts'
import type { ApiResponse, Handle, ResponseBody } from '../client/door.ts'
import { CLIENT_GONE } from './answer.ts'
import { STALL_MS } from './drained.ts'
import type { UpgradeHandler } from './https.ts'
import { isTrue, tryParseRequest } from './request-info.ts'
import { answerOnSocket } from './socket-answer.ts'

/** Clients have nothing to say in a watch; what they send is dropped, and this is the most that is read of it at once. */
const MAX_MESSAGE_BYTES = 64 * 1024
/** How long a client may take to answer that the watch is over. */
const CLOSE_MS = 5_000
/** Before the WatchEvent of a protobuf stream comes its length; messages have one of their own. */
const LENGTH_BYTES = 4

/** Is it the upgrade of a watch to a WebSocket? */
export function isWatchSocket({ method = 'GET', url = '/', headers }: IncomingMessage): boolean {
  if (headers.upgrade?.toLowerCase() !== 'websocket' || method !== 'GET') return false
  const mark = url.indexOf('?')
  const query = new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1))
  // Most upgrades are no watches, and this is asked of all of them.
  if (!isTrue(query.get('watch')) && !url.includes('/watch/')) return false
  return tryParseRequest(method, mark < 0 ? url : url.slice(0, mark), query).info?.verb === 'watch'
}

export interface WatchSocketOptions {
  handle: Handle
  clock: Clock
}

export function watchSockets({ handle, clock }: WatchSocketOptions): UpgradeHandler {
  return async (request, message, socket, head) => {
    const answer = await handle(request)
    if (answer.body.kind !== 'watch') {
      answerOnSocket(socket, answer)
      return
    }
    // A failed handshake closes the socket, which ends the watch.
    const ws = await accept(message, socket, head)
    try {
      await sendEvents(ws, answer, answer.body, clock)
    } finally {
      await hangUp(ws, clock)
    }
  }
}

function accept(message: IncomingMessage, socket: Duplex, head: Buffer): Promise<WebSocket> {
  const server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE_BYTES,
    // Whatever it is called: the messages are the same. Upstream refuses clients that offer several names; most libraries offer those of exec.
    handleProtocols: (offered) => [...offered][0] ?? false,
  })
  const { promise, resolve, reject } = Promise.withResolvers<WebSocket>()
  socket.once('close', () => reject(CLIENT_GONE))
  server.handleUpgrade(message, socket, head, (ws) => {
    ws.on('error', () => ws.terminate())
    ws.resume()
    resolve(ws)
  })
  return promise
}

async function sendEvents(
  ws: WebSocket,
  { headers }: ApiResponse,
  { events }: Extract<ResponseBody, { kind: 'watch' }>,
  clock: Clock,
): Promise<void> {
  const binary = String(headers['content-type']).startsWith('application/vnd.kubernetes.protobuf')
  for await (const batch of events) {
    let sent: Promise<void> | undefined
    for (const [i, { line }] of batch.entries()) {
      const { promise, resolve } = Promise.withResolvers<void>()
      ws.send(binary ? line.subarray(LENGTH_BYTES) : line, { binary }, () => resolve())
      if (i === batch.length - 1) sent = promise
    }
    // The next events are taken once the client has these: until then they wait in the watch's own queue, which has a limit.
    if (sent) await within(ws, sent, clock)
    if (ws.readyState !== ws.OPEN) return
  }
}

async function within(ws: WebSocket, sent: Promise<void>, clock: Clock): Promise<void> {
  const stalled = clock.after(STALL_MS, () => ws.terminate())
  await sent
  stalled.cancel()
}

async function hangUp(ws: WebSocket, clock: Clock): Promise<void> {
  if (ws.readyState === ws.CLOSED) return
  const closed = once(ws, 'close')
  const late = clock.after(CLOSE_MS, () => ws.terminate())
  ws.close(1000)
  await closed
  late.cancel()
}
