// What becomes of nodes when many fall silent at once, in virtual time.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rfc3339 } from '../../base/clock.ts'
import { silentLogger } from '../../base/log.ts'
import { nodes } from '../../api/core/node/node.ts'
import { startCluster, type TestCluster } from '../../testing/cluster.ts'
import { startControllers } from '../start.ts'
import { nodeLifecycleController } from './controller.ts'

interface Beating {
  silent: Set<string>
}

/** Nodes that give a sign of life every ten seconds, as long as they are not silent. */
async function nodesOf({ client, clock }: TestCluster, zonesOf: Record<string, string[]>): Promise<Beating> {
  const silent = new Set<string>()
  const names = Object.values(zonesOf).flat()
  for (const [zone, members] of Object.entries(zonesOf))
    for (const name of members) {
      const metadata = { name, labels: { 'topology.kubernetes.io/zone': zone } }
      await client.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata })
    }
  const beat = (): void => {
    for (const name of names) {
      if (silent.has(name)) continue
      const conditions = [{ type: 'Ready', status: 'True', lastHeartbeatTime: rfc3339(clock.now()) }]
      const patch = { type: 'strategic', body: { status: { conditions } } } as const
      void client.patch(nodes, { name }, patch, { subresource: 'status' })
    }
    clock.after(10_000, beat)
  }
  beat()
  return { silent }
}

/** The nodes that are given up, and those that are unreachable at all. */
async function lost({ client }: TestCluster): Promise<{ evicted: string[]; unreachable: string[] }> {
  const { items } = await client.list(nodes)
  const tainted = (effect: string): string[] =>
    items.flatMap(({ metadata: { name }, spec }) =>
      spec?.taints?.some((t) => t.key === 'node.kubernetes.io/unreachable' && t.effect === effect) ? [name] : [],
    )
  return { evicted: tainted('NoExecute'), unreachable: tainted('NoSchedule') }
}

function start(cluster: TestCluster): AsyncDisposable {
  const { clock, random } = cluster
  return startControllers({
    client: cluster.as,
    clock,
    random,
    log: silentLogger,
    configuration: {},
    controllers: [nodeLifecycleController()],
  })
}

test('of a zone that lost a few, one node is given up every ten seconds; of one that lost most, none', async () => {
  await using cluster = await startCluster()
  await using _controllers = start(cluster)
  const a = ['a1', 'a2', 'a3', 'a4', 'a5', 'a6']
  const b = ['b1', 'b2', 'b3', 'b4']
  const { silent } = await nodesOf(cluster, { a, b })
  await cluster.advance('1m')
  for (const name of ['a1', 'a2', 'a3', 'b1', 'b2', 'b3']) silent.add(name)
  await cluster.advance('51s')
  const unreachable = ['a1', 'a2', 'a3', 'b1', 'b2', 'b3']
  assert.deepEqual(await lost(cluster), { evicted: [], unreachable })
  await cluster.advance('5s')
  assert.equal((await lost(cluster)).evicted.length, 1)
  await cluster.advance('10s')
  assert.equal((await lost(cluster)).evicted.length, 2)
  await cluster.advance('10m')
  assert.deepEqual(await lost(cluster), { evicted: ['a1', 'a2', 'a3'], unreachable })
  for (const name of ['b1', 'b2']) silent.delete(name)
  await cluster.advance('1m')
  assert.deepEqual((await lost(cluster)).evicted, ['a1', 'a2', 'a3', 'b3'])
  silent.clear()
  await cluster.advance('20s')
  assert.deepEqual(await lost(cluster), { evicted: [], unreachable: [] })
})

test('when every node is silent nothing is given up, and what was given up is taken back', async () => {
  await using cluster = await startCluster()
  await using _controllers = start(cluster)
  const { silent } = await nodesOf(cluster, { a: ['a1', 'a2', 'a3'] })
  await cluster.advance('1m')
  silent.add('a1')
  await cluster.advance('70s')
  assert.deepEqual((await lost(cluster)).evicted, ['a1'])
  silent.add('a2').add('a3')
  await cluster.advance('70s')
  assert.deepEqual(await lost(cluster), { evicted: [], unreachable: ['a1', 'a2', 'a3'] })
  silent.delete('a2')
  silent.delete('a3')
  await cluster.advance('40s')
  assert.deepEqual(await lost(cluster), { evicted: ['a1'], unreachable: ['a1'] })
})
