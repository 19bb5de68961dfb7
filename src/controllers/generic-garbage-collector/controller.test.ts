import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../../base/log.ts'
import { configMaps } from '../../api/core/config-map.ts'
import { secrets } from '../../api/core/secret.ts'
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
