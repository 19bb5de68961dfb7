import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../../base/log.ts'
import { configMaps } from '../../api/core/config-map.ts'
import { namespaces } from '../../api/core/namespace.ts'
import { startCluster } from '../../testing/cluster.ts'
import { allControllers } from '../all.ts'
import type { ReconcileContext } from '../controller.ts'
import { startControllers } from '../start.ts'
import { namespaceController } from './controller.ts'

test('a namespace goes with all that is in it, once nothing holds it', async () => {
  await using cluster = await startCluster()
  const { clock, random, client } = cluster
  await using _controllers = startControllers({
    client: cluster.as,
    clock,
    random,
    log: silentLogger,
    configuration: {},
    controllers: allControllers({ clusterCA: 'PEM' }),
  })
  await cluster.advance('1s')
  await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } })
  await cluster.advance('1s')
  assert.ok(await cluster.get(configMaps, { namespace: 'shop', name: 'kube-root-ca.crt' }))
  const held = { namespace: 'shop', name: 'held' }
  await client.create(configMaps, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { ...held, finalizers: ['example.com/hold'] },
  })
  await client.delete(namespaces, { name: 'shop' })
  await cluster.advance('2s')
  const going = await cluster.get(namespaces, { name: 'shop' })
  assert.equal(going?.status?.phase, 'Terminating')
  const told = Object.fromEntries((going?.status?.conditions ?? []).map(({ type, message }) => [type, message]))
  assert.equal(told['NamespaceContentRemaining'], 'Some resources are remaining: configmaps. has 1 resource instances')
  assert.equal(
    told['NamespaceFinalizersRemaining'],
    'Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances',
  )
  await client.patch(configMaps, held, { type: 'merge', body: { metadata: { finalizers: null } } })
  await cluster.advance('10s')
  assert.equal(await cluster.get(namespaces, { name: 'shop' }), undefined)
})

test('a new namespace is not emptied when the cache still shows the old one of that name', async () => {
  await using cluster = await startCluster()
  const { clock, client } = cluster
  const make = (): Promise<unknown> =>
    client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } })
  await make()
  await client.delete(namespaces, { name: 'shop' })
  const stale = await client.get(namespaces, { name: 'shop' })
  const { signal } = new AbortController()
  const context = { api: client, cache: { get: () => stale }, clock, signal } as unknown as ReconcileContext
  await namespaceController.reconcile(context, { name: 'shop' })
  assert.equal(await cluster.get(namespaces, { name: 'shop' }), undefined)
  await make()
  const kept = { namespace: 'shop', name: 'kept' }
  await client.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: kept })
  await namespaceController.reconcile(context, { name: 'shop' })
  assert.ok(await cluster.get(configMaps, kept))
})
