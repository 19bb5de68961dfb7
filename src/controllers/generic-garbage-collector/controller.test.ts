import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../../base/log.ts'
import { configMaps } from '../../api/core/config-map.ts'
import { events } from '../../api/core/event.ts'
import { namespaces } from '../../api/core/namespace.ts'
import { secrets } from '../../api/core/secret.ts'
import { clusterRoles } from '../../api/rbac/cluster-role.ts'
import { startCluster, type TestCluster } from '../../testing/cluster.ts'
import { startControllers } from '../start.ts'
import { genericGarbageCollector } from './controller.ts'

function start(cluster: TestCluster): AsyncDisposable {
  const { clock, random } = cluster
  return startControllers({
    client: cluster.as,
    clock,
    random,
    log: silentLogger,
    configuration: {},
    controllers: [genericGarbageCollector],
  })
}

const key = (name: string): { namespace: string; name: string } => ({ namespace: 'default', name })

async function family(cluster: TestCluster): Promise<void> {
  const parent = await cluster.client.create(configMaps, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: key('parent'),
  })
  const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'parent', uid: parent.metadata.uid ?? '' }
  const child = await cluster.client.create(secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { ...key('child'), ownerReferences: [{ ...owner, blockOwnerDeletion: true }] },
  })
  await cluster.client.create(configMaps, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      ...key('grandchild'),
      ownerReferences: [{ apiVersion: 'v1', kind: 'Secret', name: 'child', uid: child.metadata.uid ?? '' }],
    },
  })
  await cluster.advance('1s')
}

async function left(cluster: TestCluster): Promise<string[]> {
  const found = await Promise.all([
    cluster.get(configMaps, key('parent')),
    cluster.get(secrets, key('child')),
    cluster.get(configMaps, key('grandchild')),
  ])
  return found.flatMap((object) => (object ? [object.metadata.name] : []))
}

for (const policy of ['Background', 'Foreground'] as const) {
  test(`${policy} deletion takes the whole family`, async () => {
    await using cluster = await startCluster()
    await using _controllers = start(cluster)
    await cluster.advance('1s')
    await family(cluster)
    assert.deepEqual(await left(cluster), ['parent', 'child', 'grandchild'])
    await cluster.client.delete(configMaps, key('parent'), { propagationPolicy: policy })
    await cluster.advance('5s')
    assert.deepEqual(await left(cluster), [])
  })
}

test('Orphan deletion leaves the dependents, without the owner', async () => {
  await using cluster = await startCluster()
  await using _controllers = start(cluster)
  await cluster.advance('1s')
  await family(cluster)
  await cluster.client.delete(configMaps, key('parent'), { propagationPolicy: 'Orphan' })
  await cluster.advance('5s')
  assert.deepEqual(await left(cluster), ['child', 'grandchild'])
  assert.equal((await cluster.get(secrets, key('child')))?.metadata.ownerReferences, undefined)
})

test('an object whose owner never was is deleted', async () => {
  await using cluster = await startCluster()
  await using _controllers = start(cluster)
  await cluster.advance('1s')
  await cluster.client.create(secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      ...key('child'),
      ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'ghost', uid: 'no-such-uid' }],
    },
  })
  await cluster.advance('1s')
  assert.deepEqual(await left(cluster), [])
})

async function warnings(cluster: TestCluster): Promise<[string | undefined, string][]> {
  const { items } = await cluster.client.list(events)
  return items
    .filter(({ reason }) => reason === 'OwnerRefInvalidNamespace')
    .map(({ involvedObject, message = '' }) => [involvedObject.name, message])
}

test('a cluster-wide object that names an owner in a namespace stays, with the owner and without', async () => {
  await using cluster = await startCluster()
  await using _controllers = start(cluster)
  await cluster.advance('1s')
  const { client } = cluster
  const owner = await client.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: key('owner') })
  const { uid = '' } = owner.metadata
  await client.create(clusterRoles, {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'wide', ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid }] },
    rules: [],
  })
  await cluster.advance('5s')
  assert.ok(await cluster.get(clusterRoles, { name: 'wide' }))
  const text = `ownerRef [v1/ConfigMap, namespace: , name: owner, uid: ${uid}] does not exist in namespace ""`
  assert.deepEqual(await warnings(cluster), [['wide', text]])
  await client.delete(configMaps, key('owner'))
  await cluster.advance('5s')
  assert.ok(await cluster.get(clusterRoles, { name: 'wide' }))
})

test('an owner in another namespace is none, and that is told', async () => {
  await using cluster = await startCluster()
  await using _controllers = start(cluster)
  await cluster.advance('1s')
  const { client } = cluster
  await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'other' } })
  const metadata = { namespace: 'other', name: 'owner' }
  const { uid = '' } = (await client.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata })).metadata
  await client.create(secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { ...key('child'), ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid }] },
  })
  await cluster.advance('5s')
  assert.deepEqual(await left(cluster), [])
  const text = `ownerRef [v1/ConfigMap, namespace: default, name: owner, uid: ${uid}] does not exist in namespace "default"`
  assert.deepEqual(await warnings(cluster), [['child', text]])
})
