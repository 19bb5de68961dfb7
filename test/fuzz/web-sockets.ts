// What clients send over WebSockets: frames as they are, and frames that are nearly right, to a watch and to each sub-protocol of exec.

import type { IncomingMessage } from 'node:http'
import { type Duplex, duplexPair } from 'node:stream'
import { systemClock } from '../../src/base/clock.ts'
import { CLIENT_GONE } from '../../src/apiserver/answer.ts'
import { watchSockets } from '../../src/apiserver/watch-socket.ts'
import type { ApiRequest, WatchFrame } from '../../src/client/door.ts'
import { acceptWebSocket } from '../../src/streams/remote-command/accept-websocket.ts'
import type { TerminalSize } from '../../src/streams/remote-command/session.ts'
import type { Target } from './target.ts'

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

export interface Frame {
  opcode: number
  payload: Buffer
  fin?: boolean
  /** Extensions that nobody agreed on. */
  reserved?: number
  /** Four bytes; undefined: not masked, which clients must not do. */
  mask?: Buffer | undefined
  /** A length that is not the payload's. */
  length?: bigint
}

const MASK = Buffer.from('37fa213d', 'hex')

export function frameOf({ opcode, payload, fin = true, reserved = 0, mask = MASK, length }: Frame): Buffer {
  const said = length ?? BigInt(payload.length)
  const short = said < 126n ? Number(said) : said < 65536n ? 126 : 127
  const head = [(fin ? 0x80 : 0) | (reserved << 4) | opcode, 0x80 | short]
  const long = Buffer.alloc(short === 127 ? 8 : short === 126 ? 2 : 0)
  if (short === 127) long.writeBigUInt64BE(said)
  if (short === 126) long.writeUInt16BE(Number(said))
  const masked = Buffer.from(payload.map((byte, i) => byte ^ (mask[i % 4] ?? 0)))
  return Buffer.concat([Buffer.from(head), long, mask, masked])
}

/** The same with the bit of the mask taken away. */
function unmasked(payload: string): Buffer {
  return Buffer.concat([Buffer.from([0x81, payload.length]), Buffer.from(payload)])
}

const text = (payload: string): Buffer => frameOf({ opcode: OPCODE.text, payload: Buffer.from(payload) })
const bytes = (...of: number[]): Buffer => frameOf({ opcode: OPCODE.binary, payload: Buffer.from(of) })

function closing(code: number, reason = ''): Buffer {
  const head = Buffer.alloc(2)
  head.writeUInt16BE(code)
  return frameOf({ opcode: OPCODE.close, payload: Buffer.concat([head, Buffer.from(reason)]) })
}

const ping = frameOf({ opcode: OPCODE.ping, payload: Buffer.from('p') })
const size = Buffer.from('{"Width":80,"Height":24}')

/** A control frame amid the fragments of a message, as is allowed. */
const fragments = Buffer.concat([
  frameOf({ opcode: OPCODE.binary, payload: Buffer.from([0, 0x61]), fin: false }),
  ping,
  frameOf({ opcode: OPCODE.continuation, payload: Buffer.from('b'), fin: false }),
  frameOf({ opcode: OPCODE.pong, payload: Buffer.alloc(0) }),
  frameOf({ opcode: OPCODE.continuation, payload: Buffer.from('c') }),
])

const SEEDS: readonly Buffer[] = [
  Buffer.concat([bytes(0, 0x68, 0x69), bytes(255, 0), closing(1000, 'bye')]),
  Buffer.concat([text('0aGk='), text('4eyJXaWR0aCI6ODB9'), closing(1001)]),
  Buffer.concat([
    frameOf({ opcode: OPCODE.binary, payload: Buffer.concat([Buffer.from([4]), size]) }),
    ping,
    fragments,
  ]),
  fragments,
  frameOf({ opcode: OPCODE.binary, payload: Buffer.alloc(300) }),
  frameOf({ opcode: OPCODE.binary, payload: Buffer.alloc(70_000, 0) }),
  // Lengths that are too large: for the limit, for a safe integer, negative as a signed one; and one that is longer than it needs to be.
  frameOf({ opcode: OPCODE.binary, payload: Buffer.from('x'), length: (1n << 20n) + 1n }),
  frameOf({ opcode: OPCODE.binary, payload: Buffer.from('x'), length: 1n << 53n }),
  frameOf({ opcode: OPCODE.binary, payload: Buffer.from('x'), length: (1n << 64n) - 1n }),
  Buffer.concat([Buffer.from([0x82, 0xfe, 0, 1]), MASK, Buffer.from('x')]),
  // A fragment of nothing, a message amid another, a control frame in fragments, one that is too long.
  frameOf({ opcode: OPCODE.continuation, payload: Buffer.from('x') }),
  Buffer.concat([frameOf({ opcode: OPCODE.text, payload: Buffer.from('a'), fin: false }), text('b')]),
  frameOf({ opcode: OPCODE.ping, payload: Buffer.from('x'), fin: false }),
  frameOf({ opcode: OPCODE.ping, payload: Buffer.alloc(126) }),
  // Text that is none, in one piece and in two; opcodes and bits that mean nothing; no mask; ends that say nonsense.
  frameOf({ opcode: OPCODE.text, payload: Buffer.from('30c328', 'hex') }),
  Buffer.concat([
    frameOf({ opcode: OPCODE.text, payload: Buffer.from('30f09f', 'hex'), fin: false }),
    frameOf({ opcode: OPCODE.continuation, payload: Buffer.from('9880', 'hex') }),
  ]),
  frameOf({ opcode: 3, payload: Buffer.from('x') }),
  frameOf({ opcode: 15, payload: Buffer.alloc(0) }),
  frameOf({ opcode: OPCODE.binary, payload: Buffer.from('x'), reserved: 4 }),
  unmasked('0hello'),
  closing(999),
  closing(1005),
  frameOf({ opcode: OPCODE.close, payload: Buffer.from([3]) }),
]

function handshake(protocol: string): IncomingMessage {
  const headers = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...(protocol === '' ? {} : { 'sec-websocket-protocol': protocol }),
  }
  return { method: 'GET', url: '/', headers } as unknown as IncomingMessage
}

/** The client's side says it all in pieces that end anywhere, and is gone. What the server answers is not looked at. */
function say(client: Duplex, bytes: Buffer): void {
  client.on('error', () => {}).resume()
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) client.write(bytes.subarray(at, at + PIECE_BYTES))
  client.end()
}

const PIECE_BYTES = 11

export interface Heard {
  stdin: Buffer
  sizes: TerminalSize[]
}

/** What a remote command hears of a client that says this and ends. */
export async function hear(protocol: string, said: Buffer): Promise<Heard> {
  const [socket, client] = duplexPair()
  const options = { stdin: true, stdout: true, stderr: true, tty: true, clock: systemClock }
  const gone = new AbortController()
  const accepting = acceptWebSocket(handshake(protocol), socket, Buffer.alloc(0), { ...options, signal: gone.signal })
  say(client, said)
  const { stdin, resize, closed } = await accepting
  const heard = { stdin: Array.fromAsync((stdin ?? []) as AsyncIterable<Buffer>), sizes: Array.fromAsync(resize) }
  const parts = await heard.stdin
  const sizes = await heard.sizes
  // Who ends without a word has closed; the server's side goes with it.
  socket.destroy()
  await closed
  return { stdin: Buffer.concat(parts), sizes }
}

async function watch(said: Buffer): Promise<void> {
  const [socket, client] = duplexPair()
  const gone = new AbortController()
  socket.on('error', () => {}).on('close', () => gone.abort(CLIENT_GONE))
  async function* events(): AsyncGenerator<readonly WatchFrame[]> {
    yield [{ type: 'ADDED', object: {}, line: Buffer.from('{"type":"ADDED","object":{}}\n') }]
    const { promise, resolve } = Promise.withResolvers<void>()
    gone.signal.addEventListener('abort', () => resolve(), { once: true })
    if (!gone.signal.aborted) await promise
  }
  const serve = watchSockets({
    handle: async () => ({ status: 200, headers: {}, body: { kind: 'watch', events: events() } }),
    clock: systemClock,
  })
  const served = serve({} as ApiRequest, handshake('v1'), socket, Buffer.alloc(0))
  say(client, said)
  client.on('end', () => socket.destroy())
  try {
    await served
  } catch (error) {
    if (error !== CLIENT_GONE) throw error
  }
}

export const EXEC_PROTOCOLS = [
  '',
  'v5.channel.k8s.io',
  'v4.channel.k8s.io',
  'channel.k8s.io',
  'v4.base64.channel.k8s.io',
  'base64.channel.k8s.io',
] as const

export const webSocketTargets: readonly Target[] = [
  { name: 'WebSocket of a watch', seeds: SEEDS, run: watch },
  ...EXEC_PROTOCOLS.map(
    (protocol): Target => ({
      name: `WebSocket of exec, ${protocol === '' ? 'without a protocol' : protocol}`,
      seeds: SEEDS,
      run: (said) => hear(protocol, said),
    }),
  ),
]
