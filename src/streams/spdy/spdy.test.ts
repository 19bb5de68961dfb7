// SPDY frames, header blocks and sessions: round trips under any chunking, large transfers, half-close, reset, malformed input.
import assert from 'node:assert/strict'
import { type Duplex, duplexPair } from 'node:stream'
import { test } from 'node:test'
import { buffer } from 'node:stream/consumers'
import { deflateSync } from 'node:zlib'
import fc from 'fast-check'
import { encodeFrame, type Frame, FrameDecoder } from './frames.ts'
import { DICTIONARY, HeaderDecoder, HeaderEncoder } from './header-block.ts'
import { SpdySession, type SpdyStream } from './session.ts'

const id = fc.integer({ min: 1, max: 0x7fffffff })
const bytes = fc.uint8Array({ maxLength: 300 }).map((b) => Buffer.from(b))
const frames: fc.Arbitrary<Exclude<Frame, { type: 'unknown' }>> = fc.oneof(
  fc.record({ type: fc.constant('data' as const), streamId: id, fin: fc.boolean(), data: bytes }),
  fc.record({
    type: fc.constant('syn-stream' as const),
    streamId: id,
    fin: fc.boolean(),
    unidirectional: fc.boolean(),
    priority: fc.nat(7),
    block: bytes,
  }),
  fc.record({ type: fc.constant('syn-reply' as const), streamId: id, fin: fc.boolean(), block: bytes }),
  fc.record({ type: fc.constant('rst-stream' as const), streamId: id, status: fc.nat(11) }),
  fc.record({ type: fc.constant('ping' as const), id }),
  fc.record({ type: fc.constant('goaway' as const), lastStreamId: id, status: fc.nat(2) }),
  fc.record({ type: fc.constant('window-update' as const), streamId: id, delta: id }),
)

test('frames survive encoding and any chunking', () => {
  fc.assert(
    fc.property(fc.array(frames, { maxLength: 6 }), fc.integer({ min: 1, max: 40 }), (list, step) => {
      const wire = Buffer.concat(list.map(encodeFrame))
      const decoder = new FrameDecoder()
      const seen: Frame[] = []
      for (let at = 0; at < wire.length; at += step) seen.push(...decoder.push(wire.subarray(at, at + step)))
      assert.deepEqual(
        seen,
        list.map((frame) => ({ ...frame })),
      )
    }),
  )
})

test('the dictionary is the one SPDY/3 names, and blocks share their state', () => {
  assert.deepEqual([...deflateSync('x', { dictionary: DICTIONARY }).subarray(2, 6)], [0xe3, 0xc6, 0xa7, 0xc2])
  const [encoder, decoder] = [new HeaderEncoder(), new HeaderDecoder()]
  for (const type of ['error', 'stdin', 'stdout', 'stdout']) {
    const headers = new Map([
      ['streamtype', [type]],
      ['x', ['a', 'b']],
    ])
    assert.deepEqual(decoder.decode(encoder.encode(headers)), headers)
  }
})

function pair(accept: (stream: SpdyStream) => boolean): { client: SpdySession; server: SpdySession; raw: Duplex } {
  const [left, right] = duplexPair()
  return {
    client: new SpdySession(left, { role: 'client' }),
    server: new SpdySession(right, { role: 'server', accept }),
    raw: left,
  }
}

test('a large transfer is echoed whole, and half-close passes', async () => {
  const { client } = pair((stream) => {
    stream.pipe(stream)
    return true
  })
  const stream = await client.open(new Map([['streamtype', ['data']]]))
  const sent = Buffer.alloc(3 << 20, 'drover')
  stream.end(sent)
  assert.ok(sent.equals(await buffer(stream)))
  client.close()
  await client.closed
})

test('a refused stream rejects and the session lives on', async () => {
  const { client } = pair((stream) => stream.header('streamType') === 'ok')
  await assert.rejects(client.open(new Map([['streamtype', ['no']]])), /was reset/)
  await client.open(new Map([['streamtype', ['ok']]]))
  await client[Symbol.asyncDispose]()
})

test('malformed bytes close the session', async () => {
  const { server, raw } = pair(() => true)
  raw.write(Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'))
  await server.closed
})

test('a slow reader does not stall its neighbour, and the rest arrives once it reads', async () => {
  const opened: SpdyStream[] = []
  const { client } = pair((stream) => opened.push(stream) > 0)
  const [slow, quick] = [await client.open(new Map()), await client.open(new Map())]
  const sent = Buffer.alloc(12 << 20, 'drover')
  slow.write(sent.subarray(0, 4 << 20))
  quick.end('through')
  const [first, second] = opened
  assert.ok(first && second)
  assert.equal((await buffer(second)).toString(), 'through')
  slow.end(sent.subarray(4 << 20))
  assert.ok(sent.equals(await buffer(first)))
  await client[Symbol.asyncDispose]()
})
