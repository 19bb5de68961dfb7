import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../../base/log.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import { type StatefulSet, type StatefulSetStatus, statefulSets } from '../../api/apps/stateful-set.ts'
import { persistentVolumeClaims } from '../../api/core/persistent-volume-claim/persistent-volume-claim.ts'
import { type Pod, pods } from '../../api/core/pod/pod.ts'
import { startCluster, type TestCluster } from '../../testing/cluster.ts'
import { type Fate, playPods } from '../../testing/pod-player.ts'
import { serviceAccountController } from '../service-account-controller/controller.ts'
import { startControllers } from '../start.ts'
import { statefulSetController } from './controller.ts'

const key = { namespace: 'default', name: 'db' }

interface Setting extends AsyncDisposable {
  cluster: TestCluster
  /** Name and image of each pod. */
  list(): Promise<string[]>
  status(): Promise<DeepReadonly<StatefulSetStatus>>
  patch(spec: object): Promise<unknown>
  image(text: string): Promise<unknown>
  play(rounds: number, fate?: (pod: DeepReadonly<Pod>) => Fate): Promise<void>
}

async function begin(spec: object): Promise<Setting> {
  const stack = new AsyncDisposableStack()
  const cluster = stack.use(await startCluster())
  const { clock, random, client } = cluster
  const controllers = [serviceAccountController, statefulSetController]
  const options = { client: cluster.as, clock, random, log: silentLogger, configuration: {}, controllers }
  stack.use(startControllers(options))
  await cluster.advance('1s')
  const template = { metadata: { labels: { app: 'db' } }, spec: { containers: [{ name: 'c', image: 'i:1' }] } }
  const wanted = { serviceName: 'db', selector: { matchLabels: { app: 'db' } }, template, ...spec }
  const set = { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: key, spec: wanted }
  await client.create(statefulSets, set as unknown as StatefulSet)
  await cluster.advance('1s')
  const patch = (change: object): Promise<unknown> =>
    client.patch(statefulSets, key, { type: 'strategic', body: { spec: change } })
  return {
    cluster,
    async list() {
      const { items } = await client.list(pods)
      return items.map(
        ({ metadata, spec: { containers } = { containers: [] } }) => `${metadata.name} ${containers[0]?.image}`,
      )
    },
    status: async () => (await client.get(statefulSets, key)).status ?? { replicas: 0, availableReplicas: 0 },
    patch,
    image: (text) => patch({ template: { spec: { containers: [{ name: 'c', image: text }] } } }),
    play: (rounds, fate) => playPods(cluster, { rounds, ...(fate ? { fate } : {}) }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

test('pods come one after the other, with names, labels and claims of their own, and go from the last', async () => {
  const volumeClaimTemplates = [
    {
      metadata: { name: 'data' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    },
  ]
  await using set = await begin({ replicas: 3, volumeClaimTemplates })
  const { client } = set.cluster
  assert.deepEqual(await set.list(), ['db-0 i:1'])
  await set.play(2, () => 'unready')
  assert.deepEqual(await set.list(), ['db-0 i:1'])
  await set.play(1)
  assert.deepEqual(await set.list(), ['db-0 i:1', 'db-1 i:1'])
  await set.play(3)
  assert.deepEqual(await set.list(), ['db-0 i:1', 'db-1 i:1', 'db-2 i:1'])
  const pod = await client.get(pods, { namespace: 'default', name: 'db-2' })
  assert.equal(pod.spec?.hostname, 'db-2')
  assert.equal(pod.spec?.subdomain, 'db')
  assert.equal(pod.metadata.labels?.['statefulset.kubernetes.io/pod-name'], 'db-2')
  assert.equal(pod.metadata.labels?.['apps.kubernetes.io/pod-index'], '2')
  assert.ok(pod.spec?.volumes?.some((volume) => volume.persistentVolumeClaim?.claimName === 'data-db-2'))
  const { replicas, readyReplicas, availableReplicas, currentReplicas, currentRevision, updateRevision } =
    await set.status()
  assert.deepEqual([replicas, readyReplicas, availableReplicas, currentReplicas], [3, 3, 3, 3])
  assert.equal(currentRevision, updateRevision)
  assert.equal(pod.metadata.labels?.['controller-revision-hash'], currentRevision)
  await set.patch({ replicas: 1 })
  await set.cluster.advance('1s')
  await set.play(1, () => 'stuck')
  const going = (await client.list(pods)).items.filter(({ metadata }) => metadata.deletionTimestamp)
  assert.deepEqual(
    going.map(({ metadata }) => metadata.name),
    ['db-2'],
  )
  await set.play(3)
  assert.deepEqual(await set.list(), ['db-0 i:1'])
  // Volumes outlive their pods.
  const claims = (await client.list(persistentVolumeClaims)).items.map(({ metadata }) => metadata.name)
  assert.deepEqual(claims, ['data-db-0', 'data-db-1', 'data-db-2'])
})

test('claims belong to the set, or to the pod that is too many, as the policy says', async () => {
  const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } }
  await using set = await begin({
    replicas: 2,
    volumeClaimTemplates: [{ metadata: { name: 'data' }, spec }],
    persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete', whenScaled: 'Delete' },
  })
  await set.play(3)
  const owners = async (): Promise<string[]> =>
    (await set.cluster.client.list(persistentVolumeClaims)).items.map(
      ({ metadata }) => `${metadata.name} ${metadata.ownerReferences?.map(({ kind, name }) => `${kind} ${name}`)}`,
    )
  assert.deepEqual(await owners(), ['data-db-0 StatefulSet db', 'data-db-1 StatefulSet db'])
  await set.patch({ replicas: 1 })
  await set.play(1, () => 'stuck')
  assert.deepEqual(await owners(), ['data-db-0 StatefulSet db', 'data-db-1 Pod db-1'])
})

test('a new template goes from the last pod to the first, one at a time, down to the partition', async () => {
  await using set = await begin({
    replicas: 3,
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 1 } },
  })
  await set.play(4)
  const old = (await set.status()).currentRevision
  await set.image('i:2')
  for (let round = 0; round < 8; round++) {
    await set.play(1)
    assert.ok(((await set.status()).readyReplicas ?? 0) >= 2)
  }
  assert.deepEqual(await set.list(), ['db-0 i:1', 'db-1 i:2', 'db-2 i:2'])
  const { currentRevision, updateRevision, updatedReplicas, currentReplicas } = await set.status()
  assert.deepEqual([currentRevision, updatedReplicas, currentReplicas], [old, 2, 1])
  assert.notEqual(updateRevision, old)
  // A pod below the partition comes back as it was.
  await set.cluster.client.delete(pods, { namespace: 'default', name: 'db-0' })
  await set.play(3)
  assert.deepEqual(await set.list(), ['db-0 i:1', 'db-1 i:2', 'db-2 i:2'])
  await set.patch({ updateStrategy: { rollingUpdate: { partition: 0 } } })
  await set.play(5)
  assert.deepEqual(await set.list(), ['db-0 i:2', 'db-1 i:2', 'db-2 i:2'])
  assert.equal((await set.status()).currentRevision, updateRevision)
})

test('parallel sets do all at once; a start moves the names; ended pods are made anew', async () => {
  await using set = await begin({
    replicas: 3,
    podManagementPolicy: 'Parallel',
    ordinals: { start: 5 },
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 2 } },
  })
  assert.deepEqual(await set.list(), ['db-5 i:1', 'db-6 i:1', 'db-7 i:1'])
  await set.play(2)
  await set.image('i:2')
  await set.cluster.advance('1s')
  const going = (await set.cluster.client.list(pods)).items.filter(({ metadata }) => metadata.deletionTimestamp)
  assert.deepEqual(
    going.map(({ metadata }) => metadata.name),
    ['db-6', 'db-7'],
  )
  await set.play(5)
  assert.deepEqual(await set.list(), ['db-5 i:2', 'db-6 i:2', 'db-7 i:2'])
  const uid = async (): Promise<string | undefined> =>
    (await set.cluster.get(pods, { namespace: 'default', name: 'db-6' }))?.metadata.uid
  const before = await uid()
  await set.play(1, ({ metadata }) => (metadata.name === 'db-6' ? { exitCode: 1 } : 'ready'))
  await set.play(3)
  assert.notEqual(await uid(), before)
  assert.equal((await set.status()).readyReplicas, 3)
})
