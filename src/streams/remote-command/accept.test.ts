// Every protocol of remote commands that a client may speak, over pipes in memory: WebSocket v5 to v1 and base64, SPDY v4 to v1.
import assert from 'node:assert/strict'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { type Duplex, duplexPair, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { VirtualClock } from '../../testing/virtual-clock.ts'
import { SpdySession, type SpdyStream } from '../spdy/session.ts'
import { acceptRemoteCommand } from './accept.ts'
import type { CommandStatus, RemoteCommandSession } from './session.ts'
import { WebSocketPeer } from './websocket-fixtures.ts'

const FAILURE: CommandStatus = {
  status: 'Failure',
  reason: 'NonZeroExitCode',
  message: 'command terminated with non-zero exit code',
  details: { causes: [{ reason: 'ExitCode', message: '7' }] },
}
const OUTCOMES = [{ status: 'Success' }, FAILURE]
const STREAMS = { stdin: true, stdout: true, stderr: true, tty: false }

function requestOf(headers: Record<string, string>): IncomingMessage {
  const request = new IncomingMessage(new Socket())
  request.method = 'GET'
  request.headers = { connection: 'Upgrade', ...headers }
  return request
}

interface Offer {
  headers: Record<string, string>
  streams?: Partial<typeof STREAMS>
}

function accept(far: Duplex, { headers, streams }: Offer): Promise<RemoteCommandSession> {
  const options = { ...STREAMS, ...streams, clock: new VirtualClock(), signal: new AbortController().signal }
  return acceptRemoteCommand(requestOf(headers), far, Buffer.alloc(0), options)
}

const webSocket = (protocol?: string): Record<string, string> => ({
  upgrade: 'websocket',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-version': '13',
  ...(protocol === undefined ? {} : { 'sec-websocket-protocol': protocol }),
})

/** Reads as much as is sent (before v5 a client cannot end its input), says it in upper case, complains, and ends. */
async function command(session: RemoteCommandSession, outcome: CommandStatus): Promise<void> {
  session.stdout?.write('begun ')
  let read = ''
  for await (const chunk of session.stdin ?? Readable.from([]))
    if ((read += chunk).length === 'hello world'.length) break
  session.stdout?.write(read.toUpperCase())
  session.stderr?.write('trouble')
  await session.finish(outcome)
}

/** What the error channel says of an outcome in each version. */
function told(version: number, outcome: CommandStatus): string {
  if (version >= 4) return JSON.stringify({ metadata: {}, ...outcome })
  return outcome === FAILURE ? 'command terminated with non-zero exit code' : ''
}

for (const [protocol, version] of [
  ['v5.channel.k8s.io', 5],
  ['v4.channel.k8s.io', 4],
  ['v3.channel.k8s.io', 3],
  ['v2.channel.k8s.io', 2],
  ['channel.k8s.io', 1],
  [undefined, 1],
  ['v4.base64.channel.k8s.io', 4],
  ['base64.channel.k8s.io', 1],
] as const) {
  for (const outcome of OUTCOMES) {
    test(`WebSocket ${protocol}: bytes by channel, and ${outcome.status} as this version tells it`, async () => {
      const [near, far] = duplexPair()
      const peer = new WebSocketPeer(near, protocol?.includes('base64') ?? false)
      const session = await accept(far, { headers: webSocket(protocol) })
      const ran = command(session, outcome)
      peer.send(0, 'hello ')
      peer.send(0, 'world')
      await ran
      const { head, channels, closed } = await peer.ended
      assert.match(head, /^HTTP\/1\.1 101 /)
      assert.equal(/sec-websocket-protocol: (\S+)/i.exec(head)?.[1], protocol)
      assert.equal(channels[1], 'begun HELLO WORLD')
      assert.equal(channels[2], 'trouble')
      assert.equal(channels[3] ?? '', told(version, outcome))
      assert.equal(closed, 1000)
    })
  }
}

test('WebSocket v5: input ends when the client says so, and what is sent after that is not heard', async () => {
  const [near, far] = duplexPair()
  const peer = new WebSocketPeer(near, false)
  const session = await accept(far, { headers: webSocket('v5.channel.k8s.io') })
  peer.send(0, 'all')
  peer.send(255, '\0')
  peer.send(0, 'too late')
  assert.equal(await text(session.stdin ?? Readable.from([])), 'all')
  await session.finish({ status: 'Success' })
  assert.equal((await peer.ended).closed, 1000)
})

test('WebSocket: the client prefers; an unknown protocol is refused; sizes of the terminal arrive', async () => {
  const [near, far] = duplexPair()
  const peer = new WebSocketPeer(near, false)
  const offer = webSocket('v6.channel.k8s.io, v4.channel.k8s.io,v5.channel.k8s.io')
  const session = await accept(far, { headers: offer, streams: { tty: true } })
  peer.send(4, '{"Width":80,"Height":24}')
  const sizes = session.resize[Symbol.asyncIterator]()
  assert.deepEqual((await sizes.next()).value, { width: 80, height: 24 })
  assert.equal(session.stderr, undefined)
  await session.finish({ status: 'Success' })
  const { head } = await peer.ended
  assert.match(head, /sec-websocket-protocol: v4\.channel\.k8s\.io\r\n/i)

  const [client, server] = duplexPair()
  const answer = text(client)
  await assert.rejects(accept(server, { headers: webSocket('v6.channel.k8s.io') }), { name: 'UpgradeRefused' })
  client.end()
  assert.match(await answer, /^HTTP\/1\.1 403 [\s\S]*none of the protocols \[v6\.channel\.k8s\.io\] is supported$/)
})

async function spdyClient(
  near: Duplex,
  types: readonly string[],
): Promise<{ head: string; streams: Map<string, SpdyStream>; session: SpdySession }> {
  const head = await new Promise<string>((resolve) => near.once('data', (chunk: Buffer) => resolve(String(chunk))))
  near.pause()
  const session = new SpdySession(near, { role: 'client' })
  near.resume()
  const streams = new Map<string, SpdyStream>()
  for (const type of types) streams.set(type, await session.open(new Map([['streamtype', [type]]])))
  return { head, streams, session }
}

for (const [protocol, version] of [
  ['v4.channel.k8s.io', 4],
  ['v3.channel.k8s.io', 3],
  ['v2.channel.k8s.io', 2],
  ['channel.k8s.io', 1],
  [undefined, 1],
] as const) {
  for (const outcome of OUTCOMES) {
    test(`SPDY ${protocol}: a stream of each kind, and ${outcome.status} as this version tells it`, async () => {
      const [near, far] = duplexPair()
      const named = protocol === undefined ? {} : { 'x-stream-protocol-version': protocol }
      const accepted = accept(far, { headers: { upgrade: 'SPDY/3.1', ...named } })
      const { head, streams } = await spdyClient(near, ['error', 'stdin', 'stdout', 'stderr'])
      assert.equal(/X-Stream-Protocol-Version: (\S+)/.exec(head)?.[1], protocol)
      const ran = command(await accepted, outcome)
      streams.get('stdin')?.end('hello world')
      const said = ['stdout', 'stderr', 'error'].map((type) => text(streams.get(type) ?? Readable.from([])))
      assert.deepEqual(await Promise.all(said), ['begun HELLO WORLD', 'trouble', told(version, outcome)])
      near.destroy()
      await ran
    })
  }
}

test('SPDY: terminals have a resize stream since v3, and only then', async () => {
  for (const [protocol, types] of [
    ['v3.channel.k8s.io', ['error', 'stdout', 'resize']],
    ['v2.channel.k8s.io', ['error', 'stdout']],
  ] as const) {
    const [near, far] = duplexPair()
    const headers = { upgrade: 'SPDY/3.1', 'x-stream-protocol-version': protocol }
    const accepted = accept(far, { headers, streams: { stdin: false, tty: true } })
    const { streams } = await spdyClient(near, types)
    const session = await accepted
    const sizes = session.resize[Symbol.asyncIterator]()
    streams.get('resize')?.write('{"Width":80,"Height":24}\n')
    if (streams.has('resize')) assert.deepEqual((await sizes.next()).value, { width: 80, height: 24 })
    near.destroy()
    await session.closed
    assert.equal((await sizes.next()).done, true)
  }
})

test('what is no upgrade, or asks for no stream, is refused in words', async () => {
  for (const [offer, answered] of [
    [{ headers: {} }, /^HTTP\/1\.1 400 [\s\S]*unable to upgrade: missing upgrade headers in request: ""$/],
    [
      { headers: webSocket(), streams: { stdin: false, stdout: false, stderr: false } },
      /^HTTP\/1\.1 400 [\s\S]*you must specify at least 1 of stdin, stdout, stderr$/,
    ],
    [
      { headers: { upgrade: 'SPDY/3.1', 'x-stream-protocol-version': 'v9' } },
      /^HTTP\/1\.1 403 [\s\S]*unable to negotiate protocol: client supports \[v9\], server accepts \[v4\.channel\.k8s\.io v3\.channel\.k8s\.io v2\.channel\.k8s\.io channel\.k8s\.io\]$/,
    ],
  ] as const) {
    const [near, far] = duplexPair()
    const answer = text(near)
    await assert.rejects(accept(far, offer), { name: 'UpgradeRefused' })
    near.end()
    assert.match(await answer, answered)
  }
})
