import { after, before, describe } from 'node:test'
import { ALL_RESOURCES } from '../api/all.ts'
import { serviceAccounts } from '../api/core/service-account.ts'
import { startCluster, type TestCluster } from '../testing/cluster.ts'
import { resourceConformance } from '../testing/resource-conformance.ts'

/** Reviews are made and never read, ComponentStatuses read and never made. */
const STORED = ALL_RESOURCES.filter(
  ({ verbs }) => verbs === undefined || (verbs.includes('create') && verbs.includes('get')),
)

describe('every stored kind', () => {
  let cluster: TestCluster | undefined
  const open = (): TestCluster => {
    if (!cluster) throw new Error('The cluster is not started')
    return cluster
  }
  before(async () => {
    cluster = await startCluster({ server: { customResources: false } })
    await cluster.client.create(serviceAccounts, {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'default', namespace: 'default' },
    })
  })
  after(() => cluster?.[Symbol.asyncDispose]())
  for (const resource of STORED) resourceConformance(resource, open)
})
