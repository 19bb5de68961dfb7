import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../../base/log.ts'
import { nodes } from '../../api/core/node/node.ts'
import { pods } from '../../api/core/pod/pod.ts'
import { startCluster } from '../../testing/cluster.ts'
import { serviceAccountController } from '../service-account-controller/controller.ts'
import { startControllers } from '../start.ts'
import { podGarbageCollector } from './controller.ts'

test('the pods of a node that is gone go after 40 seconds, and the oldest finished pods beyond the threshold at once', async () => {
  await using cluster = await startCluster()
  const { clock, random, client } = cluster
  await using _controllers = startControllers({
    client: cluster.as,
    clock,
    random,
    log: silentLogger,
    configuration: {},
    controllers: [serviceAccountController, podGarbageCollector(2)],
  })
  await cluster.advance('1s')
  await client.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } })
  for (const name of ['a', 'b', 'c', 'd']) {
    const spec = { nodeName: 'n1', containers: [{ name: 'c', image: 'i' }] }
    await client.create(pods, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'default' },
      spec,
    } as never)
    await cluster.advance('1s')
  }
  const names = async (): Promise<string[]> => (await client.list(pods)).items.map(({ metadata }) => metadata.name)
  for (const name of ['a', 'b', 'c']) {
    const patch = { type: 'merge', body: { status: { phase: 'Succeeded' } } } as const
    await client.patch(pods, { namespace: 'default', name }, patch, { subresource: 'status' })
  }
  await cluster.advance('1s')
  assert.deepEqual(await names(), ['b', 'c', 'd'])
  await client.delete(nodes, { name: 'n1' })
  await cluster.advance('39s')
  assert.deepEqual(await names(), ['b', 'c', 'd'])
  await cluster.advance('5s')
  assert.deepEqual(await names(), [])
})
