import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../../base/log.ts'
import { rfc3339, rfc3339Micro } from '../../base/clock.ts'
import { leases } from '../../api/coordination/lease.ts'
import { events } from '../../api/core/event.ts'
import { nodes } from '../../api/core/node/node.ts'
import { pods } from '../../api/core/pod/pod.ts'
import { startCluster, type TestCluster } from '../../testing/cluster.ts'
import { startControllers } from '../start.ts'

/** A node that gives a sign of life every twenty seconds. */
async function steadyNode({ client, clock }: TestCluster, name: string): Promise<void> {
  await client.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name } })
  const beat = (): void => {
    const conditions = [{ type: 'Ready', status: 'True', lastHeartbeatTime: rfc3339(clock.now()) }]
    const body = { status: { conditions } }
    void client.patch(nodes, { name }, { type: 'strategic', body }, { subresource: 'status' })
    clock.after(20_000, beat)
  }
  beat()
}

test('a node that falls silent is marked and tainted, its pods leave after five minutes, and it comes back', async () => {
  await using cluster = await startCluster()
  const { clock, random, client } = cluster
  await using _controllers = startControllers({
    client: cluster.as,
    clock,
    random,
    log: silentLogger,
    configuration: { clusterCIDR: '10.244.0.0/16' },
  })
  await cluster.advance('1s')
  const lease = { namespace: 'kube-node-lease', name: 'n1' }
  await client.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } })
  await client.create(leases, { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: lease })
  const report = (status: string): Promise<unknown> =>
    client.patch(
      nodes,
      { name: 'n1' },
      {
        type: 'strategic',
        body: { status: { conditions: [{ type: 'Ready', status, lastHeartbeatTime: '2030-01-01T12:00:00Z' }] } },
      },
      { subresource: 'status' },
    )
  await report('True')
  await steadyNode(cluster, 'n2')
  const ready = [{ type: 'Ready', status: 'True', lastTransitionTime: '2030-01-01T12:00:00Z' }]
  await client.create(pods, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'default' },
    spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'i' }] },
  } as never)
  const pod = { namespace: 'default', name: 'p' }
  const running = { type: 'merge', body: { status: { phase: 'Running', conditions: ready } } } as const
  await client.patch(pods, pod, running, { subresource: 'status' })
  await cluster.advance('1s')
  const state = async (): Promise<unknown> => {
    const node = await cluster.get(nodes, { name: 'n1' })
    const ready = node?.status?.conditions?.find(({ type }) => type === 'Ready')
    return [ready?.status, (node?.spec?.taints ?? []).map(({ key, effect }) => `${key}:${effect}`)]
  }
  assert.deepEqual(await state(), ['True', []])
  assert.equal((await cluster.get(nodes, { name: 'n1' }))?.spec?.podCIDR, '10.244.0.0/24')
  for (let beat = 0; beat < 6; beat++) {
    const body = { spec: { renewTime: rfc3339Micro(clock.now()) } }
    await client.patch(leases, lease, { type: 'merge', body })
    await cluster.advance('10s')
  }
  assert.deepEqual(await state(), ['True', []])
  // The last sign of life is 10 s old: 49 s of silence are borne, 50 s are not.
  await cluster.advance('39s')
  assert.deepEqual(await state(), ['True', []])
  await cluster.advance('1s')
  const unreachable = 'node.kubernetes.io/unreachable'
  assert.deepEqual(await state(), ['Unknown', [`${unreachable}:NoSchedule`]])
  assert.equal((await cluster.get(pods, pod))?.status?.conditions?.[0]?.status, 'False')
  await cluster.advance('5s')
  assert.deepEqual(await state(), ['Unknown', [`${unreachable}:NoSchedule`, `${unreachable}:NoExecute`]])
  await cluster.advance('4m')
  assert.equal((await cluster.get(pods, pod))?.metadata.deletionTimestamp, undefined)
  await cluster.advance('2m')
  assert.ok((await cluster.get(pods, pod))?.metadata.deletionTimestamp)
  await report('True')
  await cluster.advance('1s')
  assert.deepEqual(await state(), ['True', []])
  await client.delete(nodes, { name: 'n1' })
  await cluster.advance('1s')
  const told = (await client.list(events)).items
    .filter(({ involvedObject }) => involvedObject.name === 'n1')
    .map(({ reason, message }) => `${reason}: ${message}`)
  assert.deepEqual(told.sort(), [
    'NodeNotReady: Node n1 status is now: NodeNotReady',
    'RegisteredNode: Node n1 event: Registered Node n1 in Controller',
    'RemovingNode: Node n1 event: Removing Node n1 from Controller',
  ])
})
