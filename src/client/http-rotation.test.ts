// A client whose certificate was renewed shows the new one from the next connection on, while its server goes on.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { TLSSocket } from 'node:tls'
import { test } from 'node:test'
import { systemClock } from '../base/clock.ts'
import { createAuthority, issueCertificate } from '../base/node/certificates.ts'
import { systemRandom } from '../base/random.ts'
import { httpClient } from './http.ts'

test('rotate() makes the next request with the new certificate, though a connection was kept alive', async () => {
  const sources = { clock: systemClock, random: systemRandom }
  const authority = createAuthority('test-ca', sources)
  const { certificate: ca } = authority
  const client = (commonName: string) => issueCertificate(authority, { commonName, usages: ['client'] }, sources)
  const serving = issueCertificate(authority, { commonName: 's', usages: ['server'], names: ['127.0.0.1'] }, sources)
  const seen: string[] = []
  const server = createServer(
    { cert: serving.certificate, key: serving.key, ca, requestCert: true },
    (request, response) => {
      seen.push(String((request.socket as TLSSocket).getPeerCertificate().subject.CN))
      response.end('{}')
    },
  ).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  using http = httpClient({ server: `https://127.0.0.1:${port}`, ca, ...client('old'), userAgent: 'test' })
  await http.raw('/')
  await http.raw('/')
  http.rotate(client('new'))
  await http.raw('/')
  assert.deepEqual(seen, ['old', 'old', 'new'])
  server.closeAllConnections()
  server.close()
})
