import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../../base/log.ts'
import { endpoints } from '../../api/core/endpoints.ts'
import { pods } from '../../api/core/pod/pod.ts'
import { services } from '../../api/core/service/service.ts'
import { endpointSlices } from '../../api/discovery/endpoint-slice.ts'
import { startCluster } from '../../testing/cluster.ts'
import { startControllers } from '../start.ts'

test('a ready pod is an endpoint, an unready one is known as such, a gone one is none', async () => {
  await using cluster = await startCluster()
  const { clock, random, client } = cluster
  await using _controllers = startControllers({
    client: cluster.as,
    clock,
    random,
    log: silentLogger,
    configuration: { clusterCA: 'PEM', clusterCIDR: '10.244.0.0/16' },
  })
  await cluster.advance('1s')
  const selector = { app: 'web' }
  const ports = [{ name: 'http', port: 80, targetPort: 'web' }]
  await client.create(services, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'default' },
    spec: { selector, ports },
  } as never)
  for (const name of ['a', 'b'])
    await client.create(pods, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'default', labels: selector },
      spec: { containers: [{ name: 'c', image: 'i', ports: [{ name: 'web', containerPort: 8080 }] }] },
    } as never)
  const report = (name: string, ip: string, ready: string): Promise<unknown> =>
    client.patch(
      pods,
      { namespace: 'default', name },
      {
        type: 'strategic',
        body: {
          status: { phase: 'Running', podIP: ip, podIPs: [{ ip }], conditions: [{ type: 'Ready', status: ready }] },
        },
      },
      { subresource: 'status' },
    )
  await report('a', '10.244.0.2', 'True')
  await report('b', '10.244.0.3', 'False')
  await cluster.advance('1s')
  const slices = (await client.list(endpointSlices, { namespace: 'default', labelSelector: 'app!=x' })).items.filter(
    ({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === 'web',
  )
  assert.deepEqual(
    slices.map(({ ports: p, endpoints: e }) => [
      p?.[0]?.port,
      e?.map(({ addresses, conditions }) => [addresses[0], conditions?.ready]).sort(),
    ]),
    [
      [
        8080,
        [
          ['10.244.0.2', true],
          ['10.244.0.3', false],
        ],
      ],
    ],
  )
  const old = await cluster.get(endpoints, { namespace: 'default', name: 'web' })
  assert.equal(old?.subsets?.[0]?.addresses?.[0]?.ip, '10.244.0.2')
  assert.equal(old?.subsets?.[0]?.notReadyAddresses?.[0]?.ip, '10.244.0.3')

  await client.delete(pods, { namespace: 'default', name: 'b' }, { gracePeriodSeconds: 0 })
  await cluster.advance('1s')
  assert.equal((await cluster.get(endpoints, { namespace: 'default', name: 'web' }))?.subsets?.length, 1)
  const now = (await client.list(endpointSlices, { labelSelector: 'kubernetes.io/service-name=web' })).items
  assert.deepEqual(
    now.flatMap(({ endpoints: e }) => e?.map(({ addresses }) => addresses[0])),
    ['10.244.0.2'],
  )
})
