// ComponentStatuses by kubectl's own requests.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { componentStatuses } from '../api/core/component-status.ts'
import { leases } from '../api/coordination/lease.ts'
import { startCluster } from '../testing/cluster.ts'

const errorOf = (name: string, items: readonly unknown[]): string | undefined => {
  const found = (items as { metadata: { name: string }; conditions: { status: string; error?: string }[] }[]).find(
    (item) => item.metadata.name === name,
  )
  assert.ok(found, name)
  return found.conditions[0]?.error ?? found.conditions[0]?.status
}

test('a component is well while its lease is renewed', async () => {
  await using cluster = await startCluster()
  const { client, clock } = cluster
  const list = async (): Promise<readonly unknown[]> => (await client.list(componentStatuses, {})).items
  assert.equal(errorOf('scheduler', await list()), 'nobody holds the lease kube-system/kube-scheduler')
  assert.equal(errorOf('etcd-0', await list()), 'True')
  const renewTime = new Date(clock.now()).toISOString().replace('Z', '000Z')
  await client.create(leases, {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'kube-scheduler', namespace: 'kube-system' },
    spec: { holderIdentity: 'a', leaseDurationSeconds: 15, renewTime },
  })
  assert.equal(errorOf('scheduler', await list()), 'True')
  await cluster.advance('16s')
  assert.equal(
    errorOf('scheduler', await list()),
    `a has not renewed the lease kube-system/kube-scheduler since ${renewTime}`,
  )
  await assert.rejects(client.get(componentStatuses, { name: 'none' }), /componentstatuses "none" not found/)
  const { conditions } = await client.get(componentStatuses, { name: 'etcd-0' })
  assert.deepEqual(conditions, [{ type: 'Healthy', status: 'True', message: 'ok' }])
})
