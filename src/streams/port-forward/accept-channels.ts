// Port-forward over a WebSocket's own channels: two a port, data and error, each opened by the port number.
import { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { PortForwardConnection } from './connection.ts'

export function acceptChannels(
  ws: WebSocket,
  ports: readonly number[],
  signal: AbortSignal,
): Iterable<PortForwardConnection> {
  const send = (channel: number, payload: Buffer, done: (error?: Error | null) => void = () => {}): void =>
    ws.send(Buffer.concat([Buffer.from([channel]), payload]), { binary: true }, done)
  const connections = ports.map((port, index) => {
    const number = Buffer.alloc(2)
    number.writeUInt16LE(port)
    const channel = index * 2
    send(channel, number)
    send(channel + 1, number)
    const data = new Duplex({
      read: () => ws.resume(),
      write: (chunk: Buffer, _encoding, done) => send(channel, chunk, done),
    })
    data.on('error', () => {})
    return { port, data, fail: (message: string) => send(channel + 1, Buffer.from(message), () => data.destroy()) }
  })
  const abort = (): void => ws.terminate()
  signal.addEventListener('abort', abort, { once: true })
  ws.on('error', abort)
  ws.on('close', () => {
    signal.removeEventListener('abort', abort)
    for (const { data } of connections) data.push(null)
  })
  ws.on('message', (message: Buffer) => {
    const channel = message[0] ?? 1
    const connection = channel % 2 === 0 ? connections[channel / 2] : undefined
    if (connection && !connection.data.destroyed && !connection.data.push(message.subarray(1))) ws.pause()
  })
  return connections
}
