// The upgrade proxy on loopback: bytes both ways after 101, a 403 stays an ordinary answer, no credentials travel on.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net'
import type { Duplex } from 'node:stream'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { systemClock } from '../../base/clock.ts'
import { VirtualClock } from '../../testing/virtual-clock.ts'
import { ANSWER_TIMEOUT_MS, DIAL_TIMEOUT_MS, proxyUpgrade, type UpgradeFailure } from './proxy.ts'

async function listen(
  onUpgrade: (req: IncomingMessage, socket: Duplex, head: Buffer) => void,
): Promise<{ server: Server; port: number }> {
  const server = createServer().on('upgrade', onUpgrade).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, port: (server.address() as AddressInfo).port }
}

async function exchange(backend: (req: IncomingMessage, socket: Duplex) => void, method: string): Promise<string> {
  const far = await listen(backend)
  const near = await listen((req, socket, head) => {
    void proxyUpgrade(req, socket, head, { url: new URL(`http://127.0.0.1:${far.port}/exec`) }, { clock: systemClock })
  })
  const client = connect({ port: near.port, host: '127.0.0.1', allowHalfOpen: true })
  client.end(
    `${method} /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nAuthorization: Bearer s\r\nCookie: c\r\nImpersonate-User: root\r\nX-Kept: yes\r\n\r\nhello`,
  )
  const answer = await text(client)
  near.server.close()
  far.server.close()
  return answer
}

for (const method of ['GET', 'POST']) {
  test(`${method}: bytes pass both ways and half-close travels`, async () => {
    let seen: IncomingMessage['headers'] = {}
    const answer = await exchange((req, socket) => {
      seen = req.headers
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n')
      socket.pipe(socket)
    }, method)
    assert.match(answer, /^HTTP\/1.1 101 Switching Protocols\r\n[\s\S]*\r\n\r\nhello$/)
    assert.equal(seen['x-kept'], 'yes')
    for (const name of ['authorization', 'cookie', 'impersonate-user']) assert.equal(seen[name], undefined)
  })
}

test('a refusal is an ordinary answer and nothing after it reaches the backend', async () => {
  let reached = ''
  const answer = await exchange((_req, socket) => {
    socket.on('data', (chunk) => {
      reached += chunk
    })
    socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno')
  }, 'GET')
  assert.match(answer, /^HTTP\/1.1 403 Forbidden\r\n[\s\S]*\r\n\r\nno$/)
  assert.equal(reached, '')
})

/** A backend that takes connections and says nothing; what the proxy does with it is asked of the clock. */
async function silence(advanceMs: number, explain?: (failure: UpgradeFailure) => Promise<boolean>): Promise<string> {
  const clock = new VirtualClock()
  const reached = Promise.withResolvers<void>()
  const far = await listen((_req, socket) => {
    socket.on('error', () => {}).resume()
    reached.resolve()
  })
  const near = await listen((req, socket, head) => {
    const options = { clock, ...(explain ? { explain } : {}) }
    void proxyUpgrade(req, socket, head, { url: new URL(`http://127.0.0.1:${far.port}/exec`) }, options)
  })
  const client = connect({ port: near.port, host: '127.0.0.1' })
  client.write('GET /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n')
  await reached.promise
  await clock.advance(advanceMs)
  const waits = clock.waiting > 0
  const answer = waits ? 'waits' : await text(client)
  client.destroy()
  // A client's leaving shows when something is sent to it, at the latest when the time is over.
  await clock.advance(ANSWER_TIMEOUT_MS)
  near.server.close()
  far.server.close()
  return answer
}

test('a backend that does not answer in time is given up: 504, or what is to be said of it', async () => {
  assert.equal(await silence(ANSWER_TIMEOUT_MS - 1), 'waits')
  assert.match(await silence(ANSWER_TIMEOUT_MS), /^HTTP\/1.1 504 Gateway Timeout\r\n/)
  const failures: UpgradeFailure[] = []
  const explained = await silence(ANSWER_TIMEOUT_MS, async (failure) => failures.push(failure) < 0)
  assert.match(explained, /^HTTP\/1.1 504 /)
  assert.deepEqual(failures, [{ kind: 'silent' }])
})

test('a backend that cannot be connected to in time is given up, and so is one that refuses', async () => {
  const clock = new VirtualClock()
  const failures: UpgradeFailure[] = []
  const explain = async (failure: UpgradeFailure): Promise<boolean> => failures.push(failure) < 0
  // TLS never comes about with one that speaks plain TCP and says nothing.
  const accepted = Promise.withResolvers<void>()
  const far = createTcpServer((socket) => {
    // Reset or ended, as it comes.
    socket.on('error', () => {}).resume()
    accepted.resolve()
  }).listen(0, '127.0.0.1')
  await once(far, 'listening')
  const { port } = far.address() as AddressInfo
  const ask = async (url: string, wait: () => Promise<void>): Promise<string> => {
    const near = await listen((req, socket, head) => {
      void proxyUpgrade(req, socket, head, { url: new URL(url) }, { clock, explain })
    })
    const client = connect({ port: near.port, host: '127.0.0.1' })
    client.write('GET /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n')
    await wait()
    const answer = await text(client)
    near.server.close()
    return answer
  }
  const late = await ask(`https://127.0.0.1:${port}/exec`, async () => {
    await accepted.promise
    await clock.advance(DIAL_TIMEOUT_MS)
  })
  assert.match(late, /^HTTP\/1.1 502 Bad Gateway\r\n/)
  await new Promise((resolve) => far.close(resolve))
  assert.match(await ask(`http://127.0.0.1:${port}/exec`, async () => {}), /^HTTP\/1.1 502 Bad Gateway\r\n/)
  const codes = failures.map((f) => (f.kind === 'unreachable' && 'code' in f.error ? f.error.code : f.kind))
  assert.deepEqual(codes, ['ETIMEDOUT', 'ECONNREFUSED'])
})
