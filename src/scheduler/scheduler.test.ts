import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nodes } from '../api/core/node/node.ts'
import { type Pod, pods } from '../api/core/pod/pod.ts'
import { serviceAccounts } from '../api/core/service-account.ts'
import { startCluster, type TestCluster } from '../testing/cluster.ts'
import { settle } from '../testing/virtual-clock.ts'
import { startScheduler } from './scheduler.ts'

interface NodeTweak {
  labels?: Record<string, string>
  taints?: object[]
  unschedulable?: boolean
  cpu?: string
  pods?: string
}

async function addNode(cluster: TestCluster, name: string, tweak: NodeTweak = {}): Promise<void> {
  const { labels = {}, taints, unschedulable, cpu = '4', pods: slots = '110' } = tweak
  const spec = { ...(taints ? { taints } : {}), ...(unschedulable ? { unschedulable } : {}) }
  await cluster.client.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name, labels }, spec } as never)
  const amounts = { cpu, memory: '8Gi', pods: slots }
  const status = { capacity: amounts, allocatable: amounts, conditions: [{ type: 'Ready', status: 'True' }] }
  await cluster.client.patch(nodes, { name }, { type: 'merge', body: { status } }, { subresource: 'status' })
}

async function addPod(cluster: TestCluster, name: string, spec: object = {}): Promise<void> {
  const body = { containers: [{ name: 'c', image: 'i' }], ...spec }
  await cluster.client.create(pods, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default' },
    spec: body,
  } as never)
}

const needs = (cpu: string): object => ({ containers: [{ name: 'c', image: 'i', resources: { requests: { cpu } } }] })

async function scheduling(): Promise<TestCluster & { said: string[] }> {
  const cluster = await startCluster()
  await cluster.client.create(serviceAccounts, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default', namespace: 'default' },
  } as never)
  const said: string[] = []
  const events = {
    event: (_about: unknown, _type: string, reason: string, message: string): void =>
      void said.push(`${reason}: ${message}`),
  }
  const client = cluster.as({ username: 'system:kube-scheduler', groups: ['system:authenticated'] }, 'kube-scheduler')
  const scheduler = startScheduler({
    client,
    clock: cluster.clock,
    random: cluster.random,
    log: (await import('../base/log.ts')).silentLogger,
    events,
  })
  return {
    ...cluster,
    said,
    async [Symbol.asyncDispose]() {
      await scheduler[Symbol.asyncDispose]()
      await cluster[Symbol.asyncDispose]()
    },
  }
}

async function placeOf(cluster: TestCluster, name: string): Promise<string | undefined> {
  await settle()
  return (await cluster.get<Pod>(pods, { namespace: 'default', name }))?.spec.nodeName
}

async function reasonOf(cluster: TestCluster, name: string): Promise<string | undefined> {
  await settle()
  return (await cluster.get<Pod>(pods, { namespace: 'default', name }))?.status?.conditions?.find(
    (c) => c.type === 'PodScheduled',
  )?.message
}

test('the scheduler binds a pod and says so', async () => {
  await using cluster = await scheduling()
  await addNode(cluster, 'n1')
  await addPod(cluster, 'a')
  assert.equal(await placeOf(cluster, 'a'), 'n1')
  assert.deepEqual(cluster.said, ['Scheduled: Successfully assigned default/a to n1'])
})

test('the scheduler counts why no node suits, in upstream words', async () => {
  await using cluster = await scheduling()
  await addNode(cluster, 'tainted', { taints: [{ key: 'k', value: 'v', effect: 'NoSchedule' }] })
  await addNode(cluster, 'cordoned', { unschedulable: true })
  await addNode(cluster, 'small-1', { cpu: '1' })
  await addNode(cluster, 'small-2', { cpu: '1' })
  await addPod(cluster, 'a', needs('2'))
  assert.equal(
    await reasonOf(cluster, 'a'),
    '0/4 nodes are available: 1 node(s) had untolerated taint {k: v}, 1 node(s) were unschedulable, 2 Insufficient cpu.',
  )
})

test('a pod set aside is tried again when a node comes that suits', async () => {
  await using cluster = await scheduling()
  await addPod(cluster, 'a', { nodeSelector: { disktype: 'ssd' } })
  assert.equal(await placeOf(cluster, 'a'), undefined)
  await addNode(cluster, 'n1')
  await cluster.advance('20s')
  assert.equal(await placeOf(cluster, 'a'), undefined)
  await cluster.client.patch(
    nodes,
    { name: 'n1' },
    { type: 'merge', body: { metadata: { labels: { disktype: 'ssd' } } } },
  )
  await cluster.advance('20s')
  assert.equal(await placeOf(cluster, 'a'), 'n1')
})

test('pods fill a node to what it has, and one that goes makes room', async () => {
  await using cluster = await scheduling()
  await addNode(cluster, 'n1', { cpu: '2' })
  for (const name of ['a', 'b', 'c']) await addPod(cluster, name, needs('1'))
  await settle()
  const places = await Promise.all(['a', 'b', 'c'].map((name) => placeOf(cluster, name)))
  assert.deepEqual(places, ['n1', 'n1', undefined])
  await cluster.client.delete(pods, { namespace: 'default', name: 'a' }, { gracePeriodSeconds: 0 })
  await cluster.advance('20s')
  assert.equal(await placeOf(cluster, 'c'), 'n1')
})

test('pods spread to the node with more left', async () => {
  await using cluster = await scheduling()
  await addNode(cluster, 'n1')
  await addNode(cluster, 'n2')
  for (const name of ['a', 'b', 'c', 'd']) {
    await addPod(cluster, name, needs('500m'))
    await settle()
  }
  const places = await Promise.all(['a', 'b', 'c', 'd'].map((name) => placeOf(cluster, name)))
  assert.deepEqual(places.sort(), ['n1', 'n1', 'n2', 'n2'])
})

test('host ports, pod slots and gates are heeded', async () => {
  await using cluster = await scheduling()
  await addNode(cluster, 'n1', { pods: '2' })
  const port = { containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 80, hostPort: 8080 }] }] }
  await addPod(cluster, 'a', port)
  await addPod(cluster, 'b', port)
  assert.match((await reasonOf(cluster, 'b')) ?? '', /1 node\(s\) didn't have free ports for the requested pod ports/)
  await addPod(cluster, 'gated', { schedulingGates: [{ name: 'example.com/wait' }] })
  assert.equal(await reasonOf(cluster, 'gated'), 'Scheduling is blocked due to non-empty scheduling gates')
  await addPod(cluster, 'c')
  await addPod(cluster, 'd')
  assert.match((await reasonOf(cluster, 'd')) ?? '', /1 Too many pods/)
})

test('a pod of another scheduler is left alone', async () => {
  await using cluster = await scheduling()
  await addNode(cluster, 'n1')
  await addPod(cluster, 'a', { schedulerName: 'other' })
  assert.equal(await placeOf(cluster, 'a'), undefined)
})
