// The server says of itself which groups it serves, also those of custom resources, and which flows it knows.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { customResourceDefinitions } from '../api/apiextensions/custom-resource-definition.ts'
import { apiServices } from '../api/apiregistration/api-service.ts'
import { flowSchemas } from '../api/flowcontrol/flow-schema.ts'
import { priorityLevelConfigurations } from '../api/flowcontrol/priority-level-configuration.ts'
import { startCluster } from '../testing/cluster.ts'

const AUTOMANAGED = 'kube-aggregator.kubernetes.io/automanaged'

test('every group of the server is a local API service from the start', async () => {
  await using cluster = await startCluster()
  const { items } = await cluster.client.list(apiServices)
  const names = items.map(({ metadata }) => metadata.name)
  for (const name of ['v1.', 'v1.apps', 'v1.certificates.k8s.io']) assert.ok(names.includes(name), name)
  assert.ok(!names.includes('v1.apiregistration.k8s.io'))
  const core = items.find(({ metadata }) => metadata.name === 'v1.')
  assert.deepEqual(core?.spec, { version: 'v1', groupPriorityMinimum: 18_000, versionPriority: 1 })
  for (const { metadata, status } of items) {
    assert.equal(metadata.labels?.[AUTOMANAGED], 'onstart')
    const [{ type, status: state, reason } = { type: '', status: '' }] = status?.conditions ?? []
    assert.deepEqual([type, state, reason], ['Available', 'True', 'Local'])
  }
})

test("custom resources' groups are API services as long as they are served", async () => {
  await using cluster = await startCluster()
  const { client, server } = cluster
  const schema = { openAPIV3Schema: { type: 'object' } }
  await client.create(customResourceDefinitions, {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'foos.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'foos', kind: 'Foo' },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  } as never)
  await server.settled()
  const service = await cluster.get(apiServices, { name: 'v1.example.com' })
  assert.equal(service?.metadata.labels?.[AUTOMANAGED], 'true')
  assert.deepEqual(service?.spec, {
    group: 'example.com',
    version: 'v1',
    groupPriorityMinimum: 1000,
    versionPriority: 100,
  })
  await client.delete(customResourceDefinitions, { name: 'foos.example.com' })
  await cluster.advance('5s')
  await server.settled()
  assert.equal(await cluster.get(apiServices, { name: 'v1.example.com' }), undefined)
})

test('the mandatory and the suggested objects of flow control are there from the start', async () => {
  await using cluster = await startCluster()
  const schemas = (await cluster.client.list(flowSchemas)).items
  assert.deepEqual(
    schemas
      .map(({ metadata, spec }) => [spec?.matchingPrecedence, metadata.name, spec?.priorityLevelConfiguration.name])
      .sort(([a], [b]) => Number(a) - Number(b)),
    [
      [1, 'exempt', 'exempt'],
      [2, 'probes', 'exempt'],
      [100, 'system-leader-election', 'leader-election'],
      [400, 'system-node-high', 'node-high'],
      [500, 'system-nodes', 'system'],
      [800, 'kube-controller-manager', 'workload-high'],
      [800, 'kube-scheduler', 'workload-high'],
      [900, 'kube-system-service-accounts', 'workload-high'],
      [9000, 'service-accounts', 'workload-low'],
      [9900, 'global-default', 'global-default'],
      [10_000, 'catch-all', 'catch-all'],
    ],
  )
  const levels = (await cluster.client.list(priorityLevelConfigurations)).items
  assert.equal(levels.length, 8)
  for (const { metadata } of [...schemas, ...levels]) {
    assert.deepEqual(metadata.annotations, { 'apf.kubernetes.io/autoupdate-spec': 'true' })
    assert.equal(metadata.generation, 1)
  }
})
