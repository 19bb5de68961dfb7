import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AnyObject } from '../../apimachinery/metadata.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import { events } from '../../api/core/event.ts'
import { pods } from '../../api/core/pod/pod.ts'
import { replicationControllers } from '../../api/core/replication-controller.ts'
import { silentLogger } from '../../base/log.ts'
import { startCluster, type TestCluster } from '../../testing/cluster.ts'
import { startControllers } from '../start.ts'
import { replicationController } from './controller.ts'
import { serviceAccountController } from '../service-account-controller/controller.ts'

const web = (replicas: number, minReadySeconds = 0): never =>
  ({
    apiVersion: 'v1',
    kind: 'ReplicationController',
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      replicas,
      minReadySeconds,
      selector: { app: 'web' },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
    },
  }) as never
const key = { namespace: 'default', name: 'web' }

function start(cluster: TestCluster): AsyncDisposable {
  const { clock, random } = cluster
  const log = silentLogger
  return startControllers({
    client: (identity, userAgent) => cluster.as(identity, userAgent),
    clock,
    random,
    log,
    configuration: {},
    controllers: [serviceAccountController, replicationController],
  })
}

async function list(cluster: TestCluster): Promise<readonly DeepReadonly<AnyObject>[]> {
  return (await cluster.client.list(pods, { namespace: 'default' })).items as readonly DeepReadonly<AnyObject>[]
}

test('a replication controller keeps its number of pods', async () => {
  await using cluster = await startCluster()
  await using _controllers = start(cluster)
  await cluster.advance('1s')
  await cluster.client.create(replicationControllers, web(3))
  await cluster.advance('1s')
  const first = await list(cluster)
  assert.equal(first.length, 3)
  assert.match(first[0]?.metadata.name ?? '', /^web-[a-z0-9]{5}$/)
  assert.equal((await cluster.get(replicationControllers, key))?.status?.replicas, 3)

  const victim = first[0]?.metadata.name ?? ''
  await cluster.client.delete(pods, { namespace: 'default', name: victim }, { gracePeriodSeconds: 0 })
  await cluster.advance('1s')
  const second = await list(cluster)
  assert.equal(second.length, 3)
  assert.ok(second.every(({ metadata }) => metadata.name !== victim))

  await cluster.client.patch(replicationControllers, key, { type: 'merge', body: { spec: { replicas: 1 } } })
  await cluster.advance('1s')
  assert.equal((await list(cluster)).length, 1)
  const told = (await cluster.client.list(events, { namespace: 'default' })).items.map((e) => e.reason)
  assert.ok(told.includes('SuccessfulCreate') && told.includes('SuccessfulDelete'))
})

test('an orphan that fits is adopted, a pod that no longer fits is let go', async () => {
  await using cluster = await startCluster()
  await using _controllers = start(cluster)
  await cluster.advance('1s')
  const orphan = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'orphan', namespace: 'default', labels: { app: 'web' } },
    spec: { containers: [{ name: 'c', image: 'i' }] },
  } as never
  await cluster.client.create(pods, orphan)
  const { metadata } = await cluster.client.create(replicationControllers, web(2))
  await cluster.advance('1s')
  assert.equal((await list(cluster)).length, 2)
  const adopted = await cluster.get(pods, { namespace: 'default', name: 'orphan' })
  assert.equal(adopted?.metadata.ownerReferences?.[0]?.uid, metadata.uid)

  await cluster.client.patch(
    pods,
    { namespace: 'default', name: 'orphan' },
    { type: 'merge', body: { metadata: { labels: { app: 'other' } } } },
  )
  await cluster.advance('1s')
  const released = await cluster.get(pods, { namespace: 'default', name: 'orphan' })
  assert.equal(released?.metadata.ownerReferences, undefined)
  assert.equal((await list(cluster)).length, 3)
})

test('pods that are refused are told of and tried again with growing pauses', async () => {
  await using cluster = await startCluster()
  // Without the service account controller there is no account, and pods are refused.
  const { clock, random } = cluster
  await using _controllers = startControllers({
    client: (identity, userAgent) => cluster.as(identity, userAgent),
    clock,
    random,
    log: silentLogger,
    configuration: {},
    controllers: [replicationController],
  })
  await cluster.client.create(replicationControllers, web(3))
  await cluster.advance('10s')
  const status = (await cluster.get(replicationControllers, key))?.status
  assert.equal(status?.conditions?.[0]?.type, 'ReplicaFailure')
  assert.equal(status?.conditions?.[0]?.reason, 'FailedCreate')
  const told = (await cluster.client.list(events, { namespace: 'default' })).items.filter(
    ({ reason }) => reason === 'FailedCreate',
  )
  assert.ok(told.length > 1 && told.length < 20, `${told.length} attempts`)
})
