// Answers a remote command over SPDY/3.1: protocol v4 to v1, one stream per kind.
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { finished } from 'node:stream/promises'
import { SpdySession, type SpdyStream } from '../spdy/session.ts'
import { rejectUpgrade, UpgradeRefused } from '../upgrade/reject.ts'
import {
  CLOSE_TIMEOUT_MS,
  encodeStatus,
  type RemoteCommandOptions,
  type RemoteCommandSession,
  STREAM_CREATION_TIMEOUT_MS,
} from './session.ts'
import { SizeQueue } from './size-queue.ts'

const PROTOCOLS = ['v4.channel.k8s.io', 'v3.channel.k8s.io', 'v2.channel.k8s.io', 'channel.k8s.io']

/** The version the client prefers among ours; a client of Kubernetes 1.0 names none and speaks v1. */
function negotiate(request: IncomingMessage, socket: Duplex): { name: string | undefined; version: number } {
  const header = request.headers['x-stream-protocol-version'] ?? ''
  const offered = [header].flat().flatMap((value) => value.split(','))
  const wanted = offered.map((value) => value.trim()).filter((value) => value !== '')
  if (wanted.length === 0) return { name: undefined, version: 1 }
  const name = wanted.find((value) => PROTOCOLS.includes(value))
  if (name === undefined) {
    const message = `unable to upgrade: unable to negotiate protocol: client supports [${wanted.join(' ')}], server accepts [${PROTOCOLS.join(' ')}]`
    rejectUpgrade(socket, 403, message)
    throw new UpgradeRefused(message)
  }
  return { name, version: 4 - PROTOCOLS.indexOf(name) }
}

/** Collects the expected streams, each once. */
async function collect(
  transport: Duplex,
  expected: ReadonlySet<string>,
  { clock, signal }: RemoteCommandOptions,
): Promise<{ session: SpdySession; streams: Map<string, SpdyStream> }> {
  const streams = new Map<string, SpdyStream>()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const session = new SpdySession(transport, {
    role: 'server',
    accept: (stream) => {
      const type = stream.header('streamType') ?? ''
      if (!expected.has(type) || streams.has(type)) return false
      stream.on('error', () => {})
      streams.set(type, stream)
      if (streams.size === expected.size) resolve()
      return true
    },
  })
  const abort = (): void => {
    transport.destroy()
  }
  signal.addEventListener('abort', abort, { once: true })
  void session.closed.then(() => {
    signal.removeEventListener('abort', abort)
    reject(new Error('the client left before it created its streams'))
  })
  const timer = clock.after(STREAM_CREATION_TIMEOUT_MS, () => {
    reject(new Error('timed out waiting for client to create streams'))
    transport.destroy()
  })
  if (signal.aborted) abort()
  try {
    await promise
  } finally {
    timer.cancel()
  }
  return { session, streams }
}

export async function acceptSpdy(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  options: RemoteCommandOptions,
): Promise<RemoteCommandSession> {
  const { name, version } = negotiate(request, socket)
  const { stdin, stdout, tty } = options
  const stderr = options.stderr && !tty
  const named = Object.entries({ error: true, stdin, stdout, stderr, resize: tty && version >= 3 })
  const expected = new Set(named.filter(([, wanted]) => wanted).map(([type]) => type))
  // An HTTP server's upgraded Duplex is a net.Socket or a TLSSocket.
  ;(socket as Socket).setNoDelay?.(true)
  if (head.length > 0) socket.unshift(head)
  const accepted = name === undefined ? '' : `X-Stream-Protocol-Version: ${name}\r\n`
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n${accepted}\r\n`)
  const { session, streams } = await collect(socket, expected, options)
  const resize = new SizeQueue()
  streams.get('resize')?.on('data', (chunk: Buffer) => resize.push(chunk.toString()))
  void session.closed.then(() => resize.end())
  const [input, output, errors, outcome] = ['stdin', 'stdout', 'stderr', 'error'].map((type) => streams.get(type))
  outcome?.resume()
  return {
    ...(input && { stdin: input }),
    ...(output && { stdout: output }),
    ...(errors && { stderr: errors }),
    resize,
    closed: session.closed,
    async finish(status) {
      for (const stream of [output, errors]) {
        stream?.end()
        if (stream) await finished(stream, { readable: false }).catch(() => {})
      }
      outcome?.end(encodeStatus(status, version))
      if (outcome) await finished(outcome, { readable: false }).catch(() => {})
      session.close()
      const timer = options.clock.after(CLOSE_TIMEOUT_MS, () => socket.destroy())
      await session.closed
      timer.cancel()
    },
  }
}
