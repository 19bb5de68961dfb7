import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../../base/log.ts'
import { deployments } from '../../api/apps/deployment.ts'
import { replicaSets } from '../../api/apps/replica-set.ts'
import { pods } from '../../api/core/pod/pod.ts'
import { startCluster, type TestCluster } from '../../testing/cluster.ts'
import { startControllers } from '../start.ts'

const key = { namespace: 'default', name: 'web' }
const web = (replicas: number, strategy: object): never =>
  ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: key,
    spec: {
      replicas,
      strategy,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'i:1' }] } },
    },
  }) as never

function start(cluster: TestCluster): AsyncDisposable {
  const { clock, random } = cluster
  return startControllers({ client: cluster.as, clock, random, log: silentLogger, configuration: {} })
}

/** Plays the node agent: every pod becomes ready, or ends when asked to. */
async function runPods(cluster: TestCluster): Promise<void> {
  for (const pod of (await cluster.client.list(pods, { namespace: 'default' })).items) {
    const podKey = { namespace: 'default', name: pod.metadata.name }
    if (pod.metadata.deletionTimestamp) await cluster.client.delete(pods, podKey, { gracePeriodSeconds: 0 })
    else if (pod.status?.phase !== 'Running') {
      const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: '2030-01-01T12:00:00Z' }]
      const body = { status: { phase: 'Running', conditions } }
      await cluster.client.patch(pods, podKey, { type: 'strategic', body }, { subresource: 'status' })
    }
  }
  await cluster.advance('1s')
}

const image = (text: string): { type: 'strategic'; body: object } => ({
  type: 'strategic',
  body: { spec: { template: { spec: { containers: [{ name: 'c', image: text }] } } } },
})

for (const strategy of [{ type: 'RollingUpdate' }, { type: 'Recreate' }])
  test(`a ${strategy.type} rollout ends with the new template's pods only`, async () => {
    await using cluster = await startCluster()
    await using _controllers = start(cluster)
    await cluster.advance('1s')
    await cluster.client.create(deployments, web(4, strategy))
    await cluster.advance('1s')
    await runPods(cluster)
    const first = (await cluster.get(deployments, key))?.status
    assert.equal(first?.availableReplicas, 4)
    const progressing = first?.conditions?.find(({ type }) => type === 'Progressing')
    assert.equal(progressing?.reason, 'NewReplicaSetAvailable')

    await cluster.client.patch(deployments, key, image('i:2'))
    await cluster.advance('1s')
    for (let round = 0; round < 8; round++) {
      await runPods(cluster)
      if (strategy.type === 'RollingUpdate')
        assert.ok(((await cluster.get(deployments, key))?.status?.availableReplicas ?? 0) >= 3)
    }
    const done = await cluster.get(deployments, key)
    assert.equal(done?.metadata.annotations?.['deployment.kubernetes.io/revision'], '2')
    assert.equal(done?.status?.updatedReplicas, 4)
    assert.equal(done?.status?.availableReplicas, 4)
    const sets = (await cluster.client.list(replicaSets, { namespace: 'default' })).items
    assert.deepEqual(sets.map(({ spec }) => spec.replicas).sort(), [0, 4])

    // Back to the first template (kubectl rollout undo): its set is used again, as revision 3.
    await cluster.client.patch(deployments, key, image('i:1'))
    await cluster.advance('1s')
    for (let round = 0; round < 8; round++) await runPods(cluster)
    assert.equal((await cluster.client.list(replicaSets, { namespace: 'default' })).items.length, 2)
    assert.equal(
      (await cluster.get(deployments, key))?.metadata.annotations?.['deployment.kubernetes.io/revision'],
      '3',
    )
  })

test('a deployment is scaled, paused and times out', async () => {
  await using cluster = await startCluster()
  await using _controllers = start(cluster)
  await cluster.advance('1s')
  await cluster.client.create(deployments, web(2, { type: 'RollingUpdate' }))
  await cluster.advance('1s')
  await runPods(cluster)
  await cluster.client.patch(deployments, key, { type: 'merge', body: { spec: { replicas: 5 } } })
  await cluster.advance('1s')
  await runPods(cluster)
  assert.equal((await cluster.get(deployments, key))?.status?.availableReplicas, 5)

  await cluster.client.patch(deployments, key, { type: 'merge', body: { spec: { paused: true } } })
  await cluster.client.patch(deployments, key, image('i:2'))
  await cluster.advance('1s')
  assert.equal((await cluster.client.list(replicaSets, { namespace: 'default' })).items.length, 1)
  await cluster.client.patch(deployments, key, { type: 'merge', body: { spec: { paused: null } } })
  await cluster.advance('1s')
  assert.equal((await cluster.client.list(replicaSets, { namespace: 'default' })).items.length, 2)
  // Nobody makes the new pods ready.
  await cluster.advance('11m')
  const progressing = (await cluster.get(deployments, key))?.status?.conditions?.find((c) => c.type === 'Progressing')
  assert.equal(progressing?.reason, 'ProgressDeadlineExceeded')
})
