// What requests of one connection share, and what they do not.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type ClientHttp2Session, connect, constants, type IncomingHttpHeaders } from 'node:http2'
import { Agent, type RequestOptions, request } from 'node:https'
import { test } from 'node:test'
import { systemClock } from '../base/clock.ts'
import { silentLogger } from '../base/log.ts'
import { createAuthority, issueCertificate } from '../base/node/certificates.ts'
import { systemRandom } from '../base/random.ts'
import type { ApiRequest, ApiResponse } from '../client/door.ts'
import { type HttpsDoor, openHttps } from './https.ts'

const authority = createAuthority('test-ca', { clock: systemClock, random: systemRandom })
const serving = issueCertificate(
  authority,
  { commonName: 's', usages: ['server'], names: ['127.0.0.1'] },
  { clock: systemClock, random: systemRandom },
)
const jane = issueCertificate(
  authority,
  { commonName: 'jane', usages: ['client'] },
  { clock: systemClock, random: systemRandom },
)

function open(handle: (request: ApiRequest) => Promise<ApiResponse>): Promise<HttpsDoor> {
  return openHttps({
    handle,
    upgrade: async () => {},
    host: '127.0.0.1',
    port: 0,
    certificate: serving.certificate,
    key: serving.key,
    clientCA: authority.certificate,
    clock: systemClock,
    log: silentLogger,
  })
}

function agentOf(): Agent {
  return new Agent({ keepAlive: true, maxSockets: 1, ca: authority.certificate, cert: jane.certificate, key: jane.key })
}

async function ask(door: HttpsDoor, options: RequestOptions, ...body: string[]): Promise<string> {
  const sent = request({ host: '127.0.0.1', port: door.port, ...options })
  for (const piece of body) sent.write(piece)
  sent.end()
  const [response] = await once(sent, 'response')
  return Buffer.concat(await Array.fromAsync(response as AsyncIterable<Buffer>)).toString()
}

const EMPTY: ApiResponse = { status: 200, headers: {}, body: { kind: 'empty' } }

test('requests of a connection come with one certificate, each with its own query', async () => {
  const seen: ApiRequest[] = []
  await using door = await open(async (asked) => {
    seen.push(asked)
    return EMPTY
  })
  const agent = agentOf()
  for (const path of ['/a', '/a?x=1', '/b?', '/c?x=2&x=3']) await ask(door, { agent, path })
  agent.destroy()
  assert.deepEqual(
    seen.map(({ path, query }) => [path, query.getAll('x')]),
    [
      ['/a', []],
      ['/a', ['1']],
      ['/b', []],
      ['/c', ['2', '3']],
    ],
  )
  assert.equal(seen[0]?.certificate?.commonName, 'jane')
  for (const { certificate } of seen) assert.equal(certificate, seen[0]?.certificate)
})

test('a body arrives whole, announced or in chunks, and none is an empty one', async () => {
  await using door = await open(async ({ method, body }) => {
    const bytes = Buffer.from(`${method} ${body === undefined ? 'nothing' : `<${body}>`}`)
    return { status: 200, headers: {}, body: { kind: 'bytes', bytes } }
  })
  const agent = agentOf()
  const chunked = { 'transfer-encoding': 'chunked' }
  assert.equal(await ask(door, { agent, method: 'GET' }), 'GET nothing')
  assert.equal(await ask(door, { agent, method: 'GET', headers: { 'content-length': 4 } }, 'more'), 'GET nothing')
  assert.equal(await ask(door, { agent, method: 'DELETE' }), 'DELETE <>')
  assert.equal(await ask(door, { agent, method: 'POST', headers: { 'content-length': 0 } }), 'POST <>')
  assert.equal(await ask(door, { agent, method: 'POST', headers: { 'content-length': 4 } }, 'more'), 'POST <more>')
  assert.equal(await ask(door, { agent, method: 'PUT', headers: chunked }, 'part'), 'PUT <part>')
  assert.equal(await ask(door, { agent, method: 'PUT', headers: chunked }, 'p', 'ar', 'ts'), 'PUT <parts>')
  assert.equal(await ask(door, { agent, method: 'PATCH', headers: chunked }), 'PATCH <>')
  agent.destroy()
})

test('the signal of a request tells when its client has gone, not when an answer before was finished', async () => {
  const { promise: begun, resolve: begin } = Promise.withResolvers<ApiRequest>()
  await using door = await open(async (asked) => {
    if (asked.path !== '/slow') return EMPTY
    begin(asked)
    await once(asked.signal, 'abort')
    return EMPTY
  })
  const agent = agentOf()
  await ask(door, { agent, path: '/fast' })
  const slow = request({ host: '127.0.0.1', port: door.port, agent, path: '/slow' }).end()
  const failed = once(slow, 'error')
  const { signal } = await begun
  assert.equal(signal.aborted, false)
  const aborted = once(signal, 'abort')
  slow.destroy(new Error('gone'))
  await aborted
  await failed
  agent.destroy()
})

async function session(door: HttpsDoor): Promise<ClientHttp2Session & Disposable> {
  const opened = connect(`https://127.0.0.1:${door.port}`, { ca: authority.certificate })
  await once(opened, 'connect')
  return Object.assign(opened, { [Symbol.dispose]: () => opened.destroy() })
}

async function headOf(opened: ClientHttp2Session, headers: Record<string, string>): Promise<IncomingHttpHeaders> {
  const stream = opened.request(headers).end()
  const [head] = (await once(stream, 'response')) as [IncomingHttpHeaders]
  await once(stream.resume(), 'end')
  return head
}

test('the head of an answer over HTTP/2 has every value, in names without capitals, and nothing about connections', async () => {
  const headers = {
    'Content-Type': 'text/plain',
    warning: ['299 - "a"', '299 - "b"'],
    Connection: 'close',
    vary: 'Origin',
  }
  await using door = await open(async ({ path }) => ({
    status: path === '/long' ? 201 : 200,
    headers,
    body: { kind: 'bytes', bytes: Buffer.alloc(path === '/long' ? 200_000 : 3, 'x') },
  }))
  using opened = await session(door)
  const { date, ...short } = await headOf(opened, { ':path': '/short', 'accept-encoding': 'gzip' })
  assert.ok(date)
  const want = { 'content-type': 'text/plain', warning: '299 - "a", 299 - "b"' }
  assert.deepEqual(Object.fromEntries(Object.entries(short)), {
    ':status': 200,
    ...want,
    vary: 'Origin',
    'content-length': '3',
  })
  const long = await headOf(opened, { ':path': '/long', 'accept-encoding': 'gzip' })
  const { ':status': status, vary, 'content-encoding': encoding } = long
  assert.deepEqual([status, vary, encoding], [201, 'Accept-Encoding', 'gzip'])
})

test('the signal of a request over HTTP/2 tells when its client has gone, not when its answer was finished', async () => {
  const { promise: begun, resolve: begin } = Promise.withResolvers<ApiRequest>()
  const { promise: answered, resolve: answer } = Promise.withResolvers<AbortSignal>()
  await using door = await open(async (asked) => {
    if (asked.path === '/fast') {
      answer(asked.signal)
      return EMPTY
    }
    begin(asked)
    await once(asked.signal, 'abort')
    return EMPTY
  })
  using opened = await session(door)
  await headOf(opened, { ':path': '/fast' })
  const slow = opened.request({ ':path': '/slow' }).end()
  const { signal } = await begun
  const aborted = once(signal, 'abort')
  slow.close(constants.NGHTTP2_CANCEL)
  await aborted
  assert.equal((await answered).aborted, false)
})
