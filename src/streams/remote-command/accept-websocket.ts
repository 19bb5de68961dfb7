// Answers a remote command over a WebSocket: every message starts with the number of its channel.
import type { IncomingMessage } from 'node:http'
import { type Duplex, Readable, Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { type WebSocket, WebSocketServer } from 'ws'
import { rejectUpgrade, UpgradeRefused } from '../upgrade/reject.ts'
import { CLOSE_TIMEOUT_MS, encodeStatus, type RemoteCommandOptions, type RemoteCommandSession } from './session.ts'
import { SizeQueue } from './size-queue.ts'

const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const
const MAX_MESSAGE_BYTES = 1 << 20
const VERSIONS = new Map([
  ['v5.channel.k8s.io', 5],
  ['v4.channel.k8s.io', 4],
  ['v3.channel.k8s.io', 3],
  ['v2.channel.k8s.io', 2],
  ['channel.k8s.io', 1],
  ['v4.base64.channel.k8s.io', 4],
  ['base64.channel.k8s.io', 1],
])

function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<WebSocket> {
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
  const name = offered.find((protocol) => VERSIONS.has(protocol))
  if (name === undefined && offered.some((protocol) => protocol !== '')) {
    const message = `unable to upgrade: none of the protocols [${offered.join(' ')}] is supported`
    rejectUpgrade(socket, 403, message)
    throw new UpgradeRefused(message)
  }
  const { promise, resolve, reject } = Promise.withResolvers<WebSocket>()
  const server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE_BYTES,
    handleProtocols: () => name ?? false,
  })
  socket.once('close', () => reject(new UpgradeRefused('the WebSocket handshake failed')))
  server.handleUpgrade(request, socket, head, resolve)
  return promise
}

/** The messages of one WebSocket as channels. */
class Channels {
  readonly stdin: Readable
  readonly resize = new SizeQueue()
  readonly #ws: WebSocket
  readonly #base64: boolean
  #stdinOver = false

  constructor(ws: WebSocket) {
    this.#ws = ws
    this.#base64 = ws.protocol.includes('base64')
    this.stdin = new Readable({ read: () => ws.resume() })
    this.stdin.on('error', () => {})
    ws.on('error', () => ws.terminate())
    ws.on('message', (data: Buffer) => this.#receive(data))
    ws.on('close', () => {
      this.resize.end()
      this.#endStdin()
    })
  }

  #endStdin(): void {
    if (!this.#stdinOver) this.stdin.push(null)
    this.#stdinOver = true
  }

  send(channel: number, payload: Buffer, done: (error?: Error | null) => void = () => {}): void {
    if (this.#base64) this.#ws.send(`${channel}${payload.toString('base64')}`, { binary: false }, done)
    else this.#ws.send(Buffer.concat([Buffer.from([channel]), payload]), { binary: true }, done)
  }

  writable(channel: number): Writable {
    const stream = new Writable({ write: (chunk: Buffer, _encoding, done) => this.send(channel, chunk, done) })
    stream.on('error', () => {})
    return stream
  }

  #receive(data: Buffer): void {
    if (data.length === 0) return
    const channel = data.readUInt8(0) - (this.#base64 ? 0x30 : 0)
    const payload = this.#base64 ? Buffer.from(data.toString('latin1', 1), 'base64') : data.subarray(1)
    if (channel === CHANNEL.resize) this.resize.push(payload.toString())
    else if (channel === CHANNEL.close && payload[0] === CHANNEL.stdin) this.#endStdin()
    else if (channel === CHANNEL.stdin && payload.length > 0 && !this.#stdinOver) {
      if (!this.stdin.push(payload)) this.#ws.pause()
    }
  }
}

export async function acceptWebSocket(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  { stdin, stdout, stderr, tty, clock, signal }: RemoteCommandOptions,
): Promise<RemoteCommandSession> {
  const ws = await upgrade(request, socket, head)
  const channels = new Channels(ws)
  const { promise: closed, resolve } = Promise.withResolvers<void>()
  const abort = (): void => ws.terminate()
  signal.addEventListener('abort', abort, { once: true })
  ws.on('close', () => {
    signal.removeEventListener('abort', abort)
    resolve()
  })
  const output = stdout ? channels.writable(CHANNEL.stdout) : undefined
  const errors = stderr && !tty ? channels.writable(CHANNEL.stderr) : undefined
  // An empty message on the lowest channel we write tells the client that the connection stands.
  channels.send(stdout ? CHANNEL.stdout : errors ? CHANNEL.stderr : CHANNEL.error, Buffer.alloc(0))
  if (!stdin) channels.stdin.resume()
  return {
    ...(stdin && { stdin: channels.stdin }),
    ...(output && { stdout: output }),
    ...(errors && { stderr: errors }),
    resize: channels.resize,
    closed,
    async finish(status) {
      for (const stream of [output, errors]) {
        stream?.end()
        if (stream) await finished(stream).catch(() => {})
      }
      const text = encodeStatus(status, VERSIONS.get(ws.protocol) ?? 1)
      if (text !== '') channels.send(CHANNEL.error, Buffer.from(text))
      ws.resume()
      ws.close(1000)
      const timer = clock.after(CLOSE_TIMEOUT_MS, abort)
      await closed
      timer.cancel()
    },
  }
}
