import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../../base/log.ts'
import type { Node } from '../../api/core/node/node.ts'
import { nodes } from '../../api/core/node/node.ts'
import type { Taint } from '../../api/core/node/spec.ts'
import { events } from '../../api/core/event.ts'
import type { Toleration } from '../../api/core/pod/placement.ts'
import { type Pod, pods } from '../../api/core/pod/pod.ts'
import { startCluster } from '../../testing/cluster.ts'
import { serviceAccountController } from '../service-account-controller/controller.ts'
import { startControllers } from '../start.ts'
import { evictionMs, taintEvictionController } from './controller.ts'

const NOON = '2030-01-01T12:00:00Z'
const lost = (key = 'lost'): Taint => ({ key, effect: 'NoExecute', timeAdded: NOON })
const bears = (tolerationSeconds?: number, key = 'lost'): Toleration => ({
  key,
  operator: 'Exists',
  effect: 'NoExecute',
  ...(tolerationSeconds === undefined ? {} : { tolerationSeconds }),
})

test('evictionMs: the shortest tolerance of all taints; of one taint the first toleration', () => {
  const cases: [string, Taint[], Toleration[], number | undefined][] = [
    ['no taint', [], [], undefined],
    ['not tolerated', [lost()], [], 0],
    ['tolerated for ever', [lost()], [bears()], undefined],
    ['tolerated for a while', [lost()], [bears(60)], 30_000],
    ['over', [lost()], [bears(30)], 0],
    ['never tolerated', [lost()], [bears(-5)], 0],
    ['two taints', [lost(), lost('b')], [bears(60), bears(45, 'b')], 15_000],
    ['one of two not tolerated', [lost(), lost('b')], [bears(60)], 0],
    ['the first counts', [lost()], [bears(60), bears(40)], 30_000],
    ['another effect', [{ key: 'lost', effect: 'NoSchedule' }], [], undefined],
  ]
  for (const [name, taints, tolerations, expected] of cases) {
    const node = { metadata: { name: 'n' }, spec: { taints } } as Node
    const pod = { metadata: { name: 'p' }, spec: { tolerations } } as Pod
    assert.equal(evictionMs(pod, node, Date.parse(NOON) + 30_000), expected, name)
  }
})

test('a pod goes when it has borne a taint for as long as it can, and stays when the taint goes before', async () => {
  await using cluster = await startCluster({ now: NOON })
  const { clock, random, client } = cluster
  await using _controllers = startControllers({
    client: cluster.as,
    clock,
    random,
    log: silentLogger,
    configuration: {},
    controllers: [serviceAccountController, taintEvictionController()],
  })
  await cluster.advance('1s')
  await client.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } })
  for (const [name, seconds] of Object.entries({ short: 10, long: 60 })) {
    const spec = { nodeName: 'n1', tolerations: [bears(seconds)], containers: [{ name: 'c', image: 'i' }] }
    const metadata = { name, namespace: 'default' }
    await client.create(pods, { apiVersion: 'v1', kind: 'Pod', metadata, spec } as never)
  }
  const taint = (taints: Taint[]): Promise<unknown> =>
    client.patch(nodes, { name: 'n1' }, { type: 'merge', body: { spec: { taints } } })
  const going = async (name: string): Promise<boolean> => {
    const pod = await cluster.get(pods, { namespace: 'default', name })
    return pod === undefined || pod.metadata.deletionTimestamp !== undefined
  }
  await taint([{ ...lost(), timeAdded: '2030-01-01T12:00:01Z' }])
  await cluster.advance('9s')
  assert.deepEqual([await going('short'), await going('long')], [false, false])
  await cluster.advance('1s')
  assert.deepEqual([await going('short'), await going('long')], [true, false])
  await taint([])
  await cluster.advance('5m')
  assert.equal(await going('long'), false)
  const told = (await client.list(events)).items.filter(({ reason }) => reason === 'TaintManagerEviction')
  assert.deepEqual(told.map(({ message }) => message).sort(), [
    'Cancelling deletion of Pod default/long',
    'Marking for deletion Pod default/short',
  ])
})
