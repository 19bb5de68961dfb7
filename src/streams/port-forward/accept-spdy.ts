// Port-forward connections inside a SPDY session: a data and an error stream that share a request ID.
import type { Duplex } from 'node:stream'
import type { Clock } from '../../base/clock.ts'
import { SpdySession, type SpdyStream } from '../spdy/session.ts'
import { ConnectionQueue, parsePort, type PortForwardConnection } from './connection.ts'

const PAIR_TIMEOUT_MS = 30_000
/** Half pairs a client may leave waiting. */
const MAX_HALF_PAIRS = 1024

interface Half {
  data?: SpdyStream
  error?: SpdyStream
  port: number
  timer: { cancel(): void }
}

function join(data: SpdyStream, error: SpdyStream, port: number): PortForwardConnection {
  const end = (): void => {
    if (error.writable) error.end()
  }
  // A client waits for the end of the error stream before it calls the connection done.
  data.once('close', end)
  error.resume()
  return {
    port,
    data,
    fail(message) {
      if (error.writable) error.end(message)
      data.end()
    },
  }
}

/** Old clients send no request ID: their pair is the error stream and the data stream after it. */
function requestId(stream: SpdyStream): string {
  const given = stream.header('requestID')
  if (given !== undefined) return given
  return String(stream.header('streamType') === 'error' ? stream.id : stream.id - 2)
}

export function acceptSpdyConnections(
  transport: Duplex,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): AsyncIterable<PortForwardConnection> {
  const queue = new ConnectionQueue()
  const halves = new Map<string, Half>()
  const expire = (id: string): void => {
    const half = halves.get(id)
    halves.delete(id)
    half?.error?.end('timed out waiting for the other stream of the connection')
    half?.data?.destroy()
  }
  const accept = (stream: SpdyStream): boolean => {
    const type = stream.header('streamType')
    const port = parsePort(stream.header('port'))
    if ((type !== 'data' && type !== 'error') || port === undefined) return false
    const id = requestId(stream)
    if (!halves.has(id) && halves.size >= MAX_HALF_PAIRS) return false
    const half = halves.get(id) ?? { port, timer: clock.after(PAIR_TIMEOUT_MS, () => expire(id)) }
    if (half[type] !== undefined || half.port !== port) return false
    half[type] = stream
    halves.set(id, half)
    stream.on('error', () => {})
    if (half.data && half.error) {
      half.timer.cancel()
      halves.delete(id)
      queue.push(join(half.data, half.error, port))
    }
    return true
  }
  const session = new SpdySession(transport, { role: 'server', accept })
  const close = (): void => session.close()
  signal.addEventListener('abort', close, { once: true })
  void session.closed.then(() => {
    signal.removeEventListener('abort', close)
    for (const { timer } of halves.values()) timer.cancel()
    queue.end()
  })
  return queue
}
