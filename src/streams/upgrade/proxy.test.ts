// The upgrade proxy on loopback: bytes both ways after 101, a 403 stays an ordinary answer, no credentials travel on.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { proxyUpgrade } from './proxy.ts'

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
    void proxyUpgrade(req, socket, head, { url: new URL(`http://127.0.0.1:${far.port}/exec`) })
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
