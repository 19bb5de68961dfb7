// FlowSchemas say whether their priority level is there, and lists of them stand in the order in which they are asked.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FlowSchema, flowSchemas } from '../api/flowcontrol/flow-schema.ts'
import {
  type PriorityLevelConfiguration,
  priorityLevelConfigurations,
} from '../api/flowcontrol/priority-level-configuration.ts'
import { ADMIN, startCluster, type TestCluster } from '../testing/cluster.ts'
import { callsTo } from '../testing/http.ts'

const schema = (name: string, matchingPrecedence: number, level: string): FlowSchema => ({
  apiVersion: flowSchemas.apiVersion,
  kind: 'FlowSchema',
  metadata: { name },
  spec: { matchingPrecedence, priorityLevelConfiguration: { name: level } },
})

async function danglingOf({ client }: TestCluster, name: string): Promise<object | undefined> {
  const { status } = await client.get(flowSchemas, { name })
  return status?.conditions?.map(({ type, status, reason, lastTransitionTime }) => ({
    type,
    status,
    reason,
    lastTransitionTime,
  }))[0]
}

test('the condition Dangling follows the priority level', async () => {
  await using cluster = await startCluster({ now: '2030-01-01T12:00:00Z' })
  await cluster.advance('1s')
  const first = { type: 'Dangling', status: 'False', reason: 'Found', lastTransitionTime: '2030-01-01T12:00:01Z' }
  assert.deepEqual(await danglingOf(cluster, 'catch-all'), first)
  await cluster.client.create(flowSchemas, schema('mine', 500, 'mine'))
  await cluster.advance('1s')
  const missing = { type: 'Dangling', status: 'True', reason: 'NotFound', lastTransitionTime: '2030-01-01T12:00:02Z' }
  assert.deepEqual(await danglingOf(cluster, 'mine'), missing)
  const { status, metadata } = await cluster.client.get(flowSchemas, { name: 'mine' })
  assert.equal(
    status?.conditions?.[0]?.message,
    'This FlowSchema references the PriorityLevelConfiguration object named "mine" but there is no such object',
  )
  const [owner] = metadata.managedFields ?? []
  assert.deepEqual(
    [owner?.manager, owner?.operation, owner?.subresource],
    ['api-priority-and-fairness-config-consumer-v1', 'Apply', 'status'],
  )
  const level: PriorityLevelConfiguration = {
    apiVersion: priorityLevelConfigurations.apiVersion,
    kind: 'PriorityLevelConfiguration',
    metadata: { name: 'mine' },
    spec: { type: 'Limited', limited: { nominalConcurrencyShares: 5, limitResponse: { type: 'Reject' } } },
  }
  await cluster.client.create(priorityLevelConfigurations, level)
  await cluster.advance('1s')
  assert.partialDeepStrictEqual(await danglingOf(cluster, 'mine'), { status: 'False', reason: 'Found' })
  await cluster.client.delete(priorityLevelConfigurations, { name: 'mine' })
  await cluster.advance('1s')
  assert.partialDeepStrictEqual(await danglingOf(cluster, 'mine'), { status: 'True', reason: 'NotFound' })
  const { metadata: written } = await cluster.client.get(flowSchemas, { name: 'mine' })
  await cluster.advance('10s')
  const { metadata: later } = await cluster.client.get(flowSchemas, { name: 'mine' })
  assert.equal(later.resourceVersion, written.resourceVersion, 'what is right is not written again')
})

test('a table of flow schemas is in the order of their precedence, then of their names', async () => {
  await using cluster = await startCluster()
  for (const [name, precedence] of [
    ['b', 450],
    ['a', 450],
    ['z', 3],
  ] as const)
    await cluster.client.create(flowSchemas, schema(name, precedence, 'system'))
  const call = callsTo(cluster.server.handle, ADMIN)
  const path = '/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas'
  const table = await call('GET', path, { headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } })
  const rows = table.json['rows'] as { cells: [string, string, number] }[]
  const shown = rows.map(({ cells: [name, , precedence] }) => `${precedence} ${name}`)
  assert.deepEqual(shown.slice(0, 3), ['1 exempt', '2 probes', '3 z'])
  assert.deepEqual(
    shown.filter((row) => row.startsWith('450')),
    ['450 a', '450 b'],
  )
  assert.equal(shown.at(-1), '10000 catch-all')
  const list = await call('GET', path)
  const names = (list.json['items'] as { metadata: { name: string } }[]).map(({ metadata }) => metadata.name)
  assert.deepEqual(names, names.toSorted(), 'the list itself is in the order of its keys')
})
