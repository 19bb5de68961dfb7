// Which requests of nodes are signed, which are refused and why; and a whole exchange against the real API server.

import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { describe, test } from 'node:test'
import { silentLogger } from '../base/log.ts'
import { createAuthority, isCurrent, type LeafRequest, requestCertificate } from '../base/node/certificates.ts'
import { systemRandom } from '../base/random.ts'
import type { CertificateSigningRequest } from '../api/certificates/certificate-signing-request.ts'
import { type Node, nodes } from '../api/core/node/node.ts'
import { startCluster } from '../testing/cluster.ts'
import { VirtualClock } from '../testing/virtual-clock.ts'
import { obtain } from './join.ts'
import { ensureJoining } from './joining.ts'
import { addressText, CLIENT_SIGNER, decide, SERVING_SIGNER, startNodeSigner } from './node-signer.ts'

const SUBJECT = { commonName: 'system:node:far', organizations: ['system:nodes'] }
type Spec = CertificateSigningRequest['spec']

function csr(asked: Partial<LeafRequest>, spec: Partial<Spec>): CertificateSigningRequest {
  const { request } = requestCertificate({ ...SUBJECT, usages: [], ...asked })
  return {
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: { name: 'a' },
    spec: { request: Buffer.from(request).toString('base64'), signerName: CLIENT_SIGNER, ...spec },
  }
}

const TOKEN: Partial<Spec> = {
  username: 'system:bootstrap:abcdef',
  groups: ['system:bootstrappers'],
  usages: ['digital signature', 'client auth'],
}
const SELF: Partial<Spec> = {
  username: 'system:node:far',
  groups: ['system:nodes'],
  usages: ['digital signature', 'client auth'],
}
const SERVING: Partial<Spec> = { ...SELF, usages: ['digital signature', 'server auth'], signerName: SERVING_SIGNER }
const NODES: Node[] = [
  {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'near' },
    status: { addresses: [{ type: 'InternalIP', address: '10.0.0.1' }] },
  },
]
const VIEW = { serverAddresses: ['10.0.0.9', '10.96.0.1'], nodes: NODES }
const NOT_ITS_OWN = "the names are not the node's: "

const refusals: Record<string, [request: CertificateSigningRequest, why: string]> = {
  'of a person': [csr({}, { ...TOKEN, groups: ['system:masters'] }), 'only nodes and bootstrap tokens may ask for it'],
  'of another node': [
    csr({}, { ...SELF, username: 'system:node:near' }),
    'only nodes and bootstrap tokens may ask for it',
  ],
  'of a token for a node that is there': [
    csr({ commonName: 'system:node:near' }, TOKEN),
    'node "near" is there already; delete it first, or join under another name',
  ],
  'for somebody who is no node': [
    csr({ commonName: 'admin' }, TOKEN),
    'subject common name does not begin with system:node:',
  ],
  'for nobody': [csr({ commonName: 'system:node:' }, TOKEN), 'subject common name does not begin with system:node:'],
  'for the group of everything': [
    csr({ organizations: ['system:masters'] }, TOKEN),
    'subject organization is not system:nodes',
  ],
  'for two groups': [
    csr({ organizations: ['system:nodes', 'system:masters'] }, TOKEN),
    'subject organization is not system:nodes',
  ],
  'for another use': [
    csr({}, { ...TOKEN, usages: ['client auth', 'cert sign'] }),
    'usages did not match client auth,digital signature,key encipherment',
  ],
  'for a client with names': [csr({ names: ['kubernetes'] }, TOKEN), 'DNS and IP subjectAltNames are not allowed'],
  'to serve without names': [csr({}, SERVING), 'DNS or IP subjectAltName is required'],
  'to serve, of a token': [
    csr({ names: ['far'] }, { ...SERVING, ...TOKEN, usages: ['server auth'] }),
    'only the node itself may ask for it',
  ],
  "to serve under the server's names": [
    csr({ names: ['far', 'kubernetes.default.svc', '10.96.0.1', '10.0.0.9'] }, SERVING),
    `${NOT_ITS_OWN}kubernetes.default.svc, 10.96.0.1, 10.0.0.9`,
  ],
  "to serve under another node's address": [csr({ names: ['10.0.0.1'] }, SERVING), `${NOT_ITS_OWN}10.0.0.1`],
  'that is not a request': [
    { ...csr({}, TOKEN), spec: { ...csr({}, TOKEN).spec, request: 'AAAA' } },
    'the request cannot be read',
  ],
}

describe('decide() refuses a request', () => {
  for (const [name, [request, why]] of Object.entries(refusals))
    test(name, () => assert.deepEqual(decide(request, VIEW), { do: 'deny', why }))
})

describe('decide() signs a request', () => {
  const signs: Record<string, [request: CertificateSigningRequest, names: string[]]> = {
    'of a token for a new node': [csr({}, TOKEN), []],
    'of a node for itself': [csr({}, SELF), []],
    'of a node to serve': [
      csr({ names: ['far', '127.0.0.1', '10.0.0.7', 'fd00::7'] }, SERVING),
      ['far', '127.0.0.1', '10.0.0.7', 'fd00::7'],
    ],
  }
  for (const [name, [request, names]] of Object.entries(signs))
    test(name, () => {
      const verdict = decide(request, VIEW)
      assert.equal(verdict.do, 'sign')
      assert.deepEqual(verdict.do === 'sign' && verdict.names, names)
    })
})

test('decide() leaves alone what is decided, and what other signers are asked for', () => {
  const decided = { conditions: [{ type: 'Denied', status: 'True' }] }
  for (const request of [csr({}, { ...TOKEN, signerName: 'example.com/mine' }), { ...csr({}, TOKEN), status: decided }])
    assert.deepEqual(decide(request, VIEW), { do: 'nothing' })
})

test('addressText writes addresses as everybody does', () => {
  assert.equal(addressText(Uint8Array.of(10, 0, 0, 1)), '10.0.0.1')
  assert.equal(addressText(Uint8Array.of(0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7)), 'fd00::7')
})

test('a token gets a certificate for a new node, the node one to serve with, and a second machine of that name none', async () => {
  await using cluster = await startCluster()
  const sources = { clock: new VirtualClock(), random: systemRandom }
  const authority = createAuthority('test-ca', sources)
  const { client } = cluster
  await ensureJoining({
    client,
    server: 'https://10.0.0.9:6443',
    caCertificate: authority.certificate,
    clusterCIDR: '10.244.0.0/16',
  })
  await using _signer = startNodeSigner({ client, authority, serverAddresses: [], log: silentLogger, ...sources })
  const group = (name: string): string[] => [name, 'system:authenticated']
  const token = cluster.as({ username: 'system:bootstrap:abcdef', groups: group('system:bootstrappers') })
  const node = cluster.as({ username: SUBJECT.commonName, groups: group('system:nodes') })
  const stop = new AbortController()
  // Time stands still but for who waits to be signed.
  const waiting = {
    clock: {
      ...sources.clock,
      monotonic: () => 0,
      now: () => 0,
      after: (_ms: number, fire: () => void) => {
        const handle = setImmediate(fire)
        return { cancel: () => clearImmediate(handle) }
      },
    },
    random: systemRandom,
    signal: stop.signal,
  }
  const asked = { ...SUBJECT, usages: ['client' as const] }
  const issued = await obtain(token, { signerName: CLIENT_SIGNER, request: asked }, waiting)
  assert.ok(isCurrent(issued, { authority, request: asked, clock: sources.clock }))
  const serving = { ...SUBJECT, usages: ['server' as const], names: ['far', '10.0.0.7'] }
  const served = await obtain(node, { signerName: SERVING_SIGNER, request: serving }, waiting)
  assert.equal(new X509Certificate(served.certificate).subjectAltName, 'DNS:far, IP Address:10.0.0.7')
  await client.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'far' } })
  await assert.rejects(
    obtain(token, { signerName: CLIENT_SIGNER, request: asked }, waiting),
    /node "far" is there already/,
  )
})
