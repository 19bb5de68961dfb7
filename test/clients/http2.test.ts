// HTTP/2: kubectl chooses it, every form of an answer comes by it, and its limits hold.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type OutgoingHttpHeaders,
} from 'node:http2'
import { after, before, describe, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { silentLogger } from '../../src/base/log.ts'
import { type ConfigMap, configMaps } from '../../src/api/core/config-map.ts'
import { openHttps } from '../../src/apiserver/https.ts'
import type { Handle } from '../../src/client/door.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'
import { type ServedCluster, serveCluster } from './server.ts'

const MAPS = '/api/v1/namespaces/default/configmaps'

let cluster: ServedCluster
let session: ClientHttp2Session
before(async () => {
  cluster = await serveCluster()
  session = open()
})
after(async () => {
  session.destroy()
  await cluster[Symbol.asyncDispose]()
})

function open(
  port = cluster.port,
  credentials: object = { cert: cluster.certificate, key: cluster.key },
): ClientHttp2Session {
  const opened = connect(`https://localhost:${port}`, { ca: cluster.ca, ...credentials })
  opened.on('error', () => undefined)
  return opened
}

interface Answer {
  status: number | undefined
  headers: Record<string, unknown>
  body: Buffer
}

async function ask(headers: OutgoingHttpHeaders, body?: Buffer | string, on = session): Promise<Answer> {
  const stream = on.request(headers)
  stream.end(body)
  const [received] = (await once(stream, 'response')) as [Record<string, unknown>]
  const parts = await Array.fromAsync(stream as AsyncIterable<Buffer>)
  return { status: received[':status'] as number | undefined, headers: received, body: Buffer.concat(parts) }
}

async function make(name: string, size = 1): Promise<void> {
  const metadata = { namespace: 'default', name, labels: { test: name.split('-')[0] ?? '' } }
  const object = { metadata, data: { a: 'x'.repeat(size) } } as unknown as ConfigMap
  await cluster.client.create(configMaps, object)
}

/** The next `count` lines of a watch. */
async function lines(stream: ClientHttp2Stream, count: number): Promise<{ type: string }[]> {
  let text = ''
  for await (const part of stream as AsyncIterable<Buffer>) {
    text += part.toString()
    if (text.split('\n').length > count) break
  }
  return text
    .split('\n')
    .slice(0, count)
    .map((line) => JSON.parse(line) as { type: string })
}

describe('an answer', () => {
  test('to a body, a name and a HEAD', async () => {
    const body = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'made' }, data: { a: '1' } })
    const made = await ask({ ':method': 'POST', ':path': MAPS, 'content-type': 'application/json' }, body)
    assert.equal(made.status, 201, made.body.toString())
    const got = await ask({ ':path': `${MAPS}/made` })
    assert.equal(got.headers['content-type'], 'application/json')
    assert.equal(Number(got.headers['content-length']), got.body.length)
    assert.equal((JSON.parse(got.body.toString()) as ConfigMap).data?.['a'], '1')
    const head = await ask({ ':method': 'HEAD', ':path': `${MAPS}/made` })
    assert.deepEqual([head.status, head.body.length], [200, 0])
  })

  test('that is a long list comes whole, in pieces and compressed', async () => {
    for (let i = 0; i < 12; i++) await make(`long-${i}`, 60_000)
    const path = `${MAPS}?labelSelector=test=long`
    const plain = await ask({ ':path': path })
    assert.equal((JSON.parse(plain.body.toString()) as { items: object[] }).items.length, 12)
    assert.equal(Number(plain.headers['content-length']), plain.body.length)
    const zipped = await ask({ ':path': path, 'accept-encoding': 'gzip' })
    assert.equal(zipped.headers['content-encoding'], 'gzip')
    assert.ok(zipped.body.length < plain.body.length / 10)
  })

  test('that is a watch comes event by event, many on one connection', async () => {
    const path = `${MAPS}?watch=1&labelSelector=test=watched`
    const streams = Array.from({ length: 20 }, () => session.request({ ':path': path }))
    await Promise.all(streams.map((stream) => once(stream, 'response')))
    const seen = streams.map((stream) => lines(stream, 2))
    await make('watched-a')
    await make('watched-b')
    for (const events of await Promise.all(seen))
      assert.deepEqual(
        events.map((e) => e.type),
        ['ADDED', 'ADDED'],
      )
  })

  test('that is a refusal', async () => {
    const anonymous = open(cluster.port, {})
    assert.equal((await ask({ ':path': MAPS }, undefined, anonymous)).status, 403)
    const wrong = await ask({ ':path': MAPS, authorization: 'Bearer no' }, undefined, anonymous)
    assert.equal(wrong.status, 401)
    anonymous.destroy()
    const many = { ':path': MAPS, 'impersonate-user': 'a', 'impersonate-group': ['b', 'c'] }
    assert.match((await ask(many)).body.toString(), /User \\"a\\" cannot list/)
    assert.equal((await ask({ ':path': '/nowhere' })).status, 404)
  })

  test('comes in HTTP/1.1 to who asks for that', async () => {
    const socket = connectTls({
      host: '127.0.0.1',
      servername: 'localhost',
      port: cluster.port,
      ca: cluster.ca,
      ALPNProtocols: ['http/1.1'],
    })
    await once(socket, 'secureConnect')
    assert.equal(socket.alpnProtocol, 'http/1.1')
    socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    const text = Buffer.concat(await Array.fromAsync(socket as AsyncIterable<Buffer>)).toString()
    assert.match(text, /^HTTP\/1\.1 200 /)
  })
})

describe('a limit', () => {
  test('of streams', async () => {
    if (session.remoteSettings.maxConcurrentStreams === undefined) await once(session, 'remoteSettings')
    assert.equal(session.remoteSettings.maxConcurrentStreams, 250)
    assert.equal(session.remoteSettings.maxHeaderListSize, 65_536)
  })

  test('of a body', async () => {
    const declared = await ask(
      { ':method': 'POST', ':path': MAPS, 'content-type': 'application/json', 'content-length': 4 << 20 },
      Buffer.alloc(4 << 20, 32),
    ).catch((error: unknown) => error)
    assert.equal((declared as Answer).status, 413)
    const type = { 'content-type': 'application/json' }
    const streamed = await ask({ ':method': 'POST', ':path': MAPS, ...type }, Buffer.alloc(4 << 20, 32))
    assert.equal(streamed.status, 413)
    assert.match(streamed.body.toString(), /RequestEntityTooLarge/)
  })

  test('of headers', async () => {
    const headers = Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`header-${i}`, 'value']))
    const own = open()
    const stream = own.request({ ':path': MAPS, ...headers })
    await assert.rejects(once(stream, 'response'))
    own.destroy()
    assert.equal((await ask({ ':path': MAPS })).status, 200)
  })

  test('of streams opened to be reset', { timeout: 30_000 }, async () => {
    const own = open()
    await once(own, 'remoteSettings')
    const ended = new Promise((resolve) => own.once('close', resolve))
    let opened = 0
    while (!own.destroyed && !own.closed && opened < 10_000) {
      for (let i = 0; i < 100 && !own.destroyed && !own.closed; i++) {
        const stream = own.request({ ':path': MAPS })
        stream.on('error', () => undefined)
        stream.close(constants.NGHTTP2_CANCEL)
        opened++
      }
      await new Promise((resolve) => setImmediate(resolve))
    }
    await ended
    assert.ok(opened < 10_000)
    assert.equal((await ask({ ':path': MAPS })).status, 200)
  })
})

async function door(handle: Handle, clock: VirtualClock) {
  return openHttps({
    handle,
    upgrade: async () => {},
    host: '127.0.0.1',
    port: 0,
    certificate: cluster.certificate,
    key: cluster.key,
    clientCA: cluster.ca,
    clock,
    log: silentLogger,
  })
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('time', () => {
  test('cuts off a reader that stops reading, and no other', { timeout: 30_000 }, async () => {
    const clock = new VirtualClock()
    let gone = false
    async function* endless(): AsyncGenerator<Buffer> {
      try {
        for (;;) yield Buffer.alloc(64 * 1024)
      } finally {
        gone = true
      }
    }
    const handle: Handle = async ({ path }) =>
      path === '/endless'
        ? { status: 200, headers: {}, body: { kind: 'stream', chunks: endless() } }
        : { status: 200, headers: {}, body: { kind: 'bytes', bytes: Buffer.from('here') } }
    await using opened = await door(handle, clock)
    const own = open(opened.port, { rejectUnauthorized: false })
    const stalled = own.request({ ':path': '/endless' })
    stalled.on('error', () => undefined)
    await once(stalled, 'response')
    while (!gone) {
      await clock.advance(1000)
      await turn()
    }
    assert.equal((await ask({ ':path': '/other' }, undefined, own)).body.toString(), 'here')
    own.destroy()
  })

  test('ends a body that does not end, and a connection that nobody uses', { timeout: 30_000 }, async () => {
    const clock = new VirtualClock()
    await using opened = await door(async () => ({ status: 200, headers: {}, body: { kind: 'empty' } }), clock)
    const own = open(opened.port, { rejectUnauthorized: false })
    await once(own, 'remoteSettings')
    const stream = own.request({ ':method': 'POST', ':path': '/', 'content-length': 5 })
    stream.on('error', () => undefined)
    stream.write('1')
    let ended = false
    stream.on('close', () => {
      ended = true
    })
    while (!ended) {
      await clock.advance(1000)
      await turn()
    }
    const closed = once(own, 'close')
    let over = false
    void closed.then(() => {
      over = true
    })
    while (!over) {
      await clock.advance(10_000)
      await turn()
    }
  })

  test('is given to what is under way when the server stops, and the client is told', { timeout: 30_000 }, async () => {
    const clock = new VirtualClock()
    const asked = Promise.withResolvers<void>()
    const may = Promise.withResolvers<void>()
    const opened = await door(async ({ path }) => {
      if (path === '/endless') await new Promise(() => undefined)
      asked.resolve()
      await may.promise
      return { status: 200, headers: {}, body: { kind: 'bytes', bytes: Buffer.from('done') } }
    }, clock)
    const own = open(opened.port, { rejectUnauthorized: false })
    const endless = own.request({ ':path': '/endless' })
    endless.on('error', () => undefined)
    const answer = ask({ ':path': '/' }, undefined, own)
    await asked.promise
    const told = once(own, 'goaway')
    const stopped = opened[Symbol.asyncDispose]()
    assert.equal(((await told) as [number])[0], constants.NGHTTP2_NO_ERROR)
    may.resolve()
    assert.equal((await answer).body.toString(), 'done')
    await clock.advance(2000)
    await stopped
    own.destroy()
  })
})

test('kubectl speaks it', { timeout: 120_000 }, async () => {
  const kubectl = await cluster.kubectl('1.35')
  const asked = await kubectl(['get', 'configmaps', '-n', 'default'], { env: { GODEBUG: 'http2debug=1' } })
  assert.equal(asked.code, 0, asked.stderr)
  assert.match(asked.stderr, /http2: Transport received HEADERS/)
  const applied = await kubectl(['apply', '-f', '-'], {
    stdin: JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'applied' }, data: { a: '1' } }),
  })
  assert.equal(applied.code, 0, applied.stderr)
  const waited = await kubectl(['wait', '--for=jsonpath={.data.a}=1', 'configmap/applied', '--timeout=20s'])
  assert.equal(waited.code, 0, waited.stderr)
})
