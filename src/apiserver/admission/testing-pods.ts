// Pods for tests of admission, and the service account that every pod needs.

import { serviceAccounts } from '../../api/core/service-account.ts'
import type { TestCluster } from '../../testing/cluster.ts'

export async function withDefaultAccount(cluster: TestCluster): Promise<TestCluster> {
  const metadata = { name: 'default', namespace: 'default' }
  await cluster.client.create(serviceAccounts, { apiVersion: 'v1', kind: 'ServiceAccount', metadata })
  return cluster
}

export function makePod(name: string, spec: object): never {
  const containers = [{ name: 'c', image: 'image' }]
  const metadata = { name, namespace: 'default' }
  return { apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers, ...spec } } as never
}
