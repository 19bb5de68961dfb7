// Where proxied requests go, and where they must not go.

import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import { StatusError } from '../../apimachinery/errors.ts'
import { pods } from '../../api/core/pod/pod.ts'
import { serviceAccounts } from '../../api/core/service-account.ts'
import { services } from '../../api/core/service/service.ts'
import { endpointSlices } from '../../api/discovery/endpoint-slice.ts'
import { startCluster, type TestCluster } from '../../testing/cluster.ts'
import { takesUpgrade } from './node-proxy.ts'
import { originOf, parseReference, podTarget, serviceTarget } from './targets.ts'

test('references name a scheme, an object and a port', () => {
  assert.deepEqual(parseReference('web', 'pod'), { scheme: '', name: 'web', port: '' })
  assert.deepEqual(parseReference('web:http', 'pod'), { scheme: '', name: 'web', port: 'http' })
  assert.deepEqual(parseReference('https:web:443', 'pod'), { scheme: 'https', name: 'web', port: '443' })
  assert.deepEqual(parseReference(':web:', 'pod'), { scheme: '', name: 'web', port: '' })
  for (const bad of ['', ':', 'ftp:web:21', 'a:b:c:d'])
    assert.throws(() => parseReference(bad, 'pod'), StatusError, bad)
})

const place = (name: string): { name: string; namespace: string } => ({ name, namespace: 'default' })

async function podAt(cluster: TestCluster, name: string, podIP: string): Promise<void> {
  const { client } = cluster
  const spec = { containers: [{ name: 'a', image: 'i', ports: [{ containerPort: 8080 }] }] }
  const pod = await client.create(pods, { apiVersion: 'v1', kind: 'Pod', metadata: place(name), spec } as never)
  const status = { phase: 'Running', podIP, podIPs: [{ ip: podIP }] }
  await client.update(pods, { ...pod, status } as never, { subresource: 'status' } as never)
}

test('pods are reached at their address, but never at one of this machine', async () => {
  await using cluster = await startCluster()
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: place('default') }
  await cluster.client.create(serviceAccounts, account as never)
  await podAt(cluster, 'web', '10.244.0.7')
  await podAt(cluster, 'six', 'fd00::7')
  const { registry } = cluster.server
  const at = (name: string): string => originOf(podTarget(registry, 'default', name))
  assert.equal(at('web'), 'http://10.244.0.7:8080')
  assert.equal(at('https:web:8443'), 'https://10.244.0.7:8443')
  assert.equal(at('six'), 'http://[fd00::7]:8080')
  const local = ['127.0.0.1', '169.254.169.254', '0.0.0.0', '224.0.0.1', '::1', 'fe80::1', '::ffff:127.0.0.1']
  for (const [i, address] of local.entries()) {
    await podAt(cluster, `bad-${i}`, address)
    assert.throws(() => at(`bad-${i}`), /address not allowed/, address)
  }
  assert.throws(() => at('web:99999'), /invalid port/)
  assert.throws(() => at('none'), /pods "none" not found/)
})

test('services lead to one of their ready endpoints, by the port’s name', async () => {
  await using cluster = await startCluster()
  const { client, server } = cluster
  const ports = [
    { name: 'http', port: 80, targetPort: 8080 },
    { name: 'admin', port: 81, targetPort: 9090 },
  ]
  await client.create(services, { apiVersion: 'v1', kind: 'Service', metadata: place('web'), spec: { ports } } as never)
  const at = (name: string, seed = 1): string =>
    originOf(serviceTarget(server.registry, 'default', name, seededRandom(seed)))
  assert.throws(() => at('web:http'), /no endpoints available for service "web:http"/)
  await client.create(endpointSlices, {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { ...place('web-1'), labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    endpoints: [
      { addresses: ['10.244.0.1'], conditions: { ready: true } },
      { addresses: ['10.244.0.2'], conditions: { ready: false } },
      { addresses: ['10.244.0.3'] },
    ],
    ports: [
      { name: 'http', port: 8080, protocol: 'TCP' },
      { name: 'admin', port: 9090, protocol: 'TCP' },
    ],
  } as never)
  const reached = new Set(Array.from({ length: 50 }, (_, seed) => at('web:http', seed)))
  assert.deepEqual([...reached].sort(), ['http://10.244.0.1:8080', 'http://10.244.0.3:8080'])
  assert.match(at('web:81'), /:9090$/)
  assert.throws(() => at('web:nothing'), /no service port "nothing" found for service "web"/)
  assert.throws(() => at('none'), /services "none" not found/)
})

test('only streams and proxies are upgraded', () => {
  const upgrades = (url: string): boolean => takesUpgrade({ method: 'GET', url } as IncomingMessage)
  for (const url of [
    '/api/v1/namespaces/a/pods/b/exec?command=ls',
    '/api/v1/namespaces/a/pods/b/portforward',
    '/api/v1/namespaces/a/services/b/proxy/socket',
    '/api/v1/nodes/n/proxy/exec/a/b/c',
  ])
    assert.equal(upgrades(url), true, url)
  for (const url of ['/api/v1/pods?watch=1', '/apis/x.io/v1/namespaces/a/pods/b/exec', '/healthz', '/%'])
    assert.equal(upgrades(url), false, url)
})
