// Connections that misbehave: each gets a clean end, and the server serves the others meanwhile.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, describe, test } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { silentLogger } from '../../src/base/log.ts'
import { openHttps } from '../../src/apiserver/https.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'
import { type ServedCluster, serveCluster } from '../clients/server.ts'

const MAPS = '/api/v1/namespaces/default/configmaps'

let cluster: ServedCluster | undefined
const served = (): ServedCluster => {
  if (!cluster) throw new Error('The server is not started')
  return cluster
}
before(async () => {
  cluster = await serveCluster()
})
after(() => cluster?.[Symbol.asyncDispose]())

async function opened(): Promise<TLSSocket> {
  const { ca, certificate: cert, key, port } = served()
  const socket = connect({ host: '127.0.0.1', servername: 'localhost', port, ca, cert, key })
  await once(socket, 'secureConnect')
  return socket
}

/** Sends text as it is; what comes back until the server closes. */
async function said(...parts: readonly (string | Buffer)[]): Promise<string> {
  const socket = await opened()
  let answer = ''
  socket.setEncoding('utf8').on('data', (text: string) => {
    answer += text
  })
  // A server that closes while we still send resets the connection: what it said before counts.
  socket.on('error', () => undefined)
  for (const part of parts) socket.write(part)
  await new Promise((resolve) => socket.on('close', resolve))
  return answer
}

const head = (method: string, path: string, ...headers: string[]): string =>
  [`${method} ${path} HTTP/1.1`, 'Host: localhost', ...headers, '', ''].join('\r\n')
const close = 'Connection: close'

describe('a connection that misbehaves:', () => {
  test('headers beyond a count are not lost', async () => {
    const many = Array.from({ length: 4000 }, (_, i) => `a${i}: b`)
    const answer = await said(head('GET', MAPS, ...many, 'Impersonate-User: nobody', close))
    assert.match(answer, /^HTTP\/1\.1 403 /)
    assert.match(answer, /User \\"nobody\\" cannot list/)
  })

  test('an upgrade that means nothing here is answered as if it had not been asked for', async () => {
    const ask = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: AAAA']
    const socket = await opened()
    socket.write(head('GET', MAPS, ...ask))
    const [first] = (await once(socket.setEncoding('utf8'), 'data')) as [string]
    assert.match(first, /^HTTP\/1\.1 200 /)
    socket.destroy()
    assert.match(
      await said(head('GET', '/api/v1/namespaces/default/pods/none/exec?command=id', ...ask)),
      /^HTTP\/1\.1 404 /,
    )
  })

  test('10,000 headers', async () => {
    const many = Array.from({ length: 10_000 }, (_, i) => `header-${i}: value`)
    // The answer may be lost on the way: the server does not read on.
    assert.match(await said(head('GET', MAPS, ...many, close)), /^(HTTP\/1\.1 431 |$)/)
    assert.match(await said(head('GET', MAPS, close)), /^HTTP\/1\.1 200 /)
  })

  test('a body of 4 MiB', async () => {
    const length = 4 * 1024 * 1024
    const answer = await said(head('POST', MAPS, 'Content-Type: application/json', `Content-Length: ${length}`), '{')
    assert.match(answer, /^HTTP\/1\.1 413 [\s\S]*"reason":"RequestEntityTooLarge"/)
  })

  const smuggled: [string, string][] = [
    ['both a length and chunks', head('POST', MAPS, 'Content-Length: 4', 'Transfer-Encoding: chunked')],
    ['two lengths', head('POST', MAPS, 'Content-Length: 4', 'Content-Length: 5')],
    ['a length that is no number', head('POST', MAPS, 'Content-Length: +4')],
    ['chunks by another name', head('POST', MAPS, 'Transfer-Encoding: xchunked')],
    ['a space before the colon', head('GET', MAPS, 'Content-Length : 4')],
    ['a line that goes on', head('GET', MAPS, 'A: b', ' c: d')],
    ['no host', `GET ${MAPS} HTTP/1.1\r\n\r\n`],
    ['bare line feeds', head('GET', MAPS, 'A: b').replaceAll('\r\n', '\n')],
    ['no HTTP at all', '\x00\x01\x02\r\n\r\n'],
    ['another version', `GET ${MAPS} HTTP/9.9\r\n\r\n`],
  ]
  for (const [name, request] of smuggled) {
    test(`a request with ${name}`, async () => {
      const answer = await said(`${request}0\r\n\r\nGET /api/v1/secrets HTTP/1.1\r\nHost: x\r\n\r\n`)
      assert.match(answer, /^HTTP\/1\.1 400 /)
      assert.doesNotMatch(answer, /SecretList/)
    })
  }

  test('others are served while bodies do not end and heads stay half', async () => {
    const idle = await Promise.all(Array.from({ length: 50 }, opened))
    for (const [i, socket] of idle.entries()) {
      socket.on('error', () => undefined)
      if (i % 2 === 0) socket.write(head('POST', MAPS, 'Content-Length: 100', 'Content-Type: application/json'))
      else socket.write('GET /api')
    }
    assert.match(await said(head('GET', MAPS, close)), /^HTTP\/1\.1 200 /)
    for (const socket of idle) socket.destroy()
    assert.match(await said(head('GET', MAPS, close)), /^HTTP\/1\.1 200 /)
  })

  test('a reader that stops reading is cut off', { timeout: 30_000 }, async () => {
    const { ca, certificate, key } = served()
    const clock = new VirtualClock()
    let gone = false
    async function* endless(): AsyncGenerator<Buffer> {
      try {
        for (;;) yield Buffer.alloc(64 * 1024)
      } finally {
        gone = true
      }
    }
    await using door = await openHttps({
      handle: async () => ({ status: 200, headers: {}, body: { kind: 'stream', chunks: endless() } }),
      upgrade: async () => {},
      host: '127.0.0.1',
      port: 0,
      // Any pair will do: this reader does not care who answers.
      certificate,
      key,
      clientCA: ca,
      clock,
      log: silentLogger,
    })
    const socket = connect({ host: '127.0.0.1', port: door.port, rejectUnauthorized: false })
    socket.on('error', () => undefined)
    await once(socket, 'secureConnect')
    socket.pause()
    socket.write(head('GET', '/'))
    while (!gone) {
      await clock.advance(1000)
      await nextTurn()
    }
    socket.destroy()
  })
})
