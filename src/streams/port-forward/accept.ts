// Answers an upgrade to port-forward: SPDY, SPDY tunnelled through a WebSocket, or the WebSocket's own channels.
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createWebSocketStream, type WebSocket, WebSocketServer } from 'ws'
import type { Clock } from '../../base/clock.ts'
import { rejectUpgrade, UpgradeRefused } from '../upgrade/reject.ts'
import { acceptSpdyConnections } from './accept-spdy.ts'
import { acceptChannels } from './accept-channels.ts'
import { parsePort, type PortForwardConnection } from './connection.ts'

const SPDY = 'portforward.k8s.io'
const TUNNEL = 'SPDY/3.1+portforward.k8s.io'
const CHANNELS = ['v4.channel.k8s.io']
const MAX_MESSAGE_BYTES = 1 << 20
/** Two channels a port, numbered by one byte. */
const MAX_PORTS = 127

function refuse(socket: Duplex, code: number, message: string): never {
  rejectUpgrade(socket, code, message)
  throw new UpgradeRefused(message)
}

function names(header: string | string[] | undefined): string[] {
  return [header ?? []]
    .flat()
    .flatMap((value) => value.split(','))
    .map((value) => value.trim())
}

/** Throws UpgradeRefused when the client already has its answer. */
export function acceptPortForward(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  options: { clock: Clock; signal: AbortSignal },
): AsyncIterable<PortForwardConnection> {
  const upgrade = (request.headers.upgrade ?? '').toLowerCase()
  if (upgrade === 'spdy/3.1') {
    const offered = names(request.headers['x-stream-protocol-version'])
    if (offered.length > 0 && !offered.includes(SPDY)) {
      const said = `client supports [${offered.join(' ')}], server accepts [${SPDY}]`
      refuse(socket, 403, `unable to upgrade: unable to negotiate protocol: ${said}`)
    }
    // An HTTP server's upgraded Duplex is a net.Socket or a TLSSocket.
    ;(socket as Socket).setNoDelay?.(true)
    if (head.length > 0) socket.unshift(head)
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ${SPDY}\r\n\r\n`,
    )
    return acceptSpdyConnections(socket, options)
  }
  if (upgrade !== 'websocket') refuse(socket, 400, 'unable to upgrade: missing upgrade headers in request')
  return acceptWebSocket(request, socket, head, options)
}

async function* acceptWebSocket(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  options: { clock: Clock; signal: AbortSignal },
): AsyncGenerator<PortForwardConnection, void> {
  const offered = names(request.headers['sec-websocket-protocol']).filter((name) => name !== '')
  const name = offered.find((protocol) => protocol === TUNNEL || CHANNELS.includes(protocol))
  if (name === undefined && offered.length > 0) refuse(socket, 403, 'unable to upgrade: no supported protocol')
  const asked = new URL(request.url ?? '', 'http://host').searchParams
  const texts = [...asked.getAll('ports'), ...asked.getAll('port')].flatMap((text) => text.split(','))
  const ports = texts.map(parsePort)
  if (name !== TUNNEL) {
    if (ports.length === 0) refuse(socket, 400, 'query parameter "port" is required')
    if (ports.includes(undefined) || ports.length > MAX_PORTS) refuse(socket, 400, 'query parameter "port" is invalid')
  }
  const server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE_BYTES,
    handleProtocols: () => name ?? false,
  })
  // The tunnel's name has a slash, which RFC 6455 does not allow and `ws` refuses: answer it by hand.
  if (name === TUNNEL) {
    delete request.headers['sec-websocket-protocol']
    server.on('headers', (headers) => headers.push(`Sec-WebSocket-Protocol: ${TUNNEL}`))
  }
  const { promise, resolve, reject } = Promise.withResolvers<WebSocket>()
  socket.once('close', () => reject(new UpgradeRefused('the WebSocket handshake failed')))
  server.handleUpgrade(request, socket, head, resolve)
  const ws = await promise
  yield* name === TUNNEL
    ? acceptSpdyConnections(createWebSocketStream(ws), options)
    : acceptChannels(
        ws,
        ports.filter((port) => port !== undefined),
        options.signal,
      )
}
