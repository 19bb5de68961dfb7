// Certificates are checked by OpenSSL's reader, which is the one that every TLS connection here goes through.

import assert from 'node:assert/strict'
import { createHash, createPublicKey, verify, X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { once } from 'node:events'
import { parseRequest } from '../../api/certificates/request.ts'
import { systemClock } from '../clock.ts'
import { seededRandom } from '../random.ts'
import {
  authorityHash,
  certifyKey,
  createAuthority,
  isCurrent,
  issueCertificate,
  type LeafRequest,
  requestCertificate,
} from './certificates.ts'

const DAY_MS = 24 * 3600 * 1000
const sources = { clock: systemClock, random: seededRandom(1) }
const at = (ms: number): typeof systemClock => ({ ...systemClock, now: () => ms })

const serving: LeafRequest = {
  commonName: 'kube-apiserver',
  usages: ['server'],
  names: ['127.0.0.1', 'fd00::2', '::1', 'kubernetes.default.svc'],
}

test('issueCertificate makes certificates that a TLS server and client of the same authority accept', async () => {
  const authority = createAuthority('test-ca', sources)
  const server = issueCertificate(authority, serving, sources)
  const node = { commonName: 'system:node:a', organizations: ['system:nodes'], usages: ['client' as const] }
  const client = issueCertificate(authority, node, sources)
  const listener = createServer({
    cert: server.certificate,
    key: server.key,
    ca: authority.certificate,
    requestCert: true,
    rejectUnauthorized: true,
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address()
  assert.ok(address && typeof address === 'object')
  const accepted = once(listener, 'secureConnection')
  const socket = connect({
    host: '127.0.0.1',
    port: address.port,
    cert: client.certificate,
    key: client.key,
    ca: authority.certificate,
  })
  await once(socket, 'secureConnect')
  const [peer] = (await accepted) as [TLSSocket]
  const { subject } = peer.getPeerCertificate()
  assert.deepEqual({ ...subject }, { O: 'system:nodes', CN: 'system:node:a' })
  socket.destroy()
  peer.destroy()
  listener.close()
})

test('issueCertificate names what was asked for, and nothing else', () => {
  const authority = createAuthority('test-ca', sources)
  const certificate = new X509Certificate(issueCertificate(authority, serving, sources).certificate)
  assert.equal(
    certificate.subjectAltName,
    'IP Address:127.0.0.1, IP Address:FD00:0:0:0:0:0:0:2, IP Address:0:0:0:0:0:0:0:1, DNS:kubernetes.default.svc',
  )
  assert.equal(certificate.checkHost('example.com'), undefined)
  assert.equal(certificate.ca, false)
  assert.equal(new X509Certificate(authority.certificate).ca, true)
})

test('isCurrent tells when a certificate has to be issued anew', () => {
  const authority = createAuthority('test-ca', sources)
  const leaf = issueCertificate(authority, serving, sources)
  const now = systemClock.now()
  const current = (request: LeafRequest, by = authority, ms = now): boolean =>
    isCurrent(leaf, { authority: by, request, clock: at(ms) })
  assert.deepEqual(
    {
      asIssued: current(serving),
      anotherAuthority: current(serving, createAuthority('test-ca', sources)),
      anotherName: current({ ...serving, names: ['10.0.0.1'] }),
      anotherUser: current({ ...serving, commonName: 'someone' }),
      halfOver: current(serving, authority, now + 180 * DAY_MS),
      twoThirdsOver: current(serving, authority, now + 250 * DAY_MS),
      over: current(serving, authority, now + 400 * DAY_MS),
    },
    {
      asIssued: true,
      anotherAuthority: false,
      anotherName: false,
      anotherUser: false,
      halfOver: true,
      twoThirdsOver: false,
      over: false,
    },
  )
})

test('requestCertificate makes a request that is signed with its key, and certifyKey a certificate for it', () => {
  const node = { commonName: 'system:node:a', organizations: ['system:nodes'], usages: ['server' as const] }
  const { request, key } = requestCertificate({ ...node, names: ['a', '10.0.0.1'] })
  const asked = parseRequest(Buffer.from(request).toString('base64'))
  assert.deepEqual([asked.commonName, asked.organizations], ['system:node:a', ['system:nodes']])
  assert.deepEqual([asked.dnsNames, asked.ipAddresses.map((ip) => ip.join('.'))], [['a'], ['10.0.0.1']])
  const publicKey = createPublicKey({ key: Buffer.from(asked.publicKey), format: 'der', type: 'spki' })
  assert.ok(verify('sha256', asked.signed, publicKey, asked.signature))
  const authority = createAuthority('test-ca', sources)
  const certificate = certifyKey(authority, { ...node, names: ['a'], publicKey: asked.publicKey }, sources)
  assert.ok(isCurrent({ certificate, key }, { authority, request: { ...node, names: ['a'] }, clock: systemClock }))
})

test('authorityHash is of the public key, as kubeadm has it', () => {
  const { certificate } = createAuthority('test-ca', sources)
  const key = createPublicKey(certificate).export({ type: 'spki', format: 'der' })
  assert.equal(authorityHash(certificate), `sha256:${createHash('sha256').update(key).digest('hex')}`)
})
