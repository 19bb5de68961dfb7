import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../../base/log.ts'
import { controllerRevisions } from '../../api/apps/controller-revision.ts'
import { type DaemonSet, daemonSets } from '../../api/apps/daemon-set.ts'
import { events } from '../../api/core/event.ts'
import { nodes } from '../../api/core/node/node.ts'
import { pods } from '../../api/core/pod/pod.ts'
import { startCluster, type TestCluster } from '../../testing/cluster.ts'
import { playPods } from '../../testing/pod-player.ts'
import { serviceAccountController } from '../service-account-controller/controller.ts'
import { startControllers } from '../start.ts'
import { daemonSetController } from './controller.ts'
import { FailedPods } from './failed-pods.ts'
import { daemonTemplate, pinned, suitability, targetNode } from './placement.ts'

const key = { namespace: 'default', name: 'log' }
const logger = (rollingUpdate: object = {}, rest: object = {}): DaemonSet =>
  ({
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: key,
    spec: {
      selector: { matchLabels: { app: 'log' } },
      updateStrategy: { type: 'RollingUpdate', rollingUpdate },
      template: {
        metadata: { labels: { app: 'log' } },
        spec: { nodeSelector: { os: 'linux' }, containers: [{ name: 'c', image: 'i:1' }] },
      },
      ...rest,
    },
  }) as unknown as DaemonSet

async function start(cluster: TestCluster, count: number): Promise<AsyncDisposable> {
  const { clock, random, client } = cluster
  for (let i = 1; i <= count; i++) await makeNode(cluster, `n${i}`)
  const controllers = startControllers({
    client: cluster.as,
    clock,
    random,
    log: silentLogger,
    configuration: {},
    controllers: [serviceAccountController, daemonSetController()],
  })
  await cluster.advance('1s')
  await client.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'other', labels: { os: 'plan9' } } })
  return controllers
}

const makeNode = ({ client }: TestCluster, name: string): Promise<unknown> =>
  client.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name, labels: { os: 'linux' } } })

/** Node and image of each pod. */
async function placed({ client }: TestCluster): Promise<string[]> {
  const { items } = await client.list(pods, { namespace: 'default' })
  return items
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map((pod) => `${targetNode(pod)} ${pod.spec?.containers[0]?.image}`)
    .sort()
}

const image = (text: string): { type: 'strategic'; body: object } => ({
  type: 'strategic',
  body: { spec: { template: { spec: { containers: [{ name: 'c', image: text }] } } } },
})

test('placement: a daemon is pinned to its node, bears what nodes suffer from, and suits what its template says', () => {
  const set = logger()
  const template = daemonTemplate(set, 'h')
  assert.equal(template.metadata?.labels?.['controller-revision-hash'], 'h')
  assert.deepEqual(
    template.spec.tolerations?.map((t) => `${t.key}:${t.effect}`),
    [
      'node.kubernetes.io/not-ready:NoExecute',
      'node.kubernetes.io/unreachable:NoExecute',
      'node.kubernetes.io/disk-pressure:NoSchedule',
      'node.kubernetes.io/memory-pressure:NoSchedule',
      'node.kubernetes.io/pid-pressure:NoSchedule',
      'node.kubernetes.io/unschedulable:NoSchedule',
    ],
  )
  assert.equal(targetNode({ spec: pinned(template, 'n7').spec } as never), 'n7')
  const fits = (labels: object, taints: object[] = []): unknown => {
    const { shouldRun, mayStay } = suitability(template, { metadata: { name: 'n', labels }, spec: { taints } } as never)
    return [shouldRun, mayStay]
  }
  assert.deepEqual(fits({ os: 'linux' }), [true, true])
  assert.deepEqual(fits({}), [false, false])
  assert.deepEqual(fits({ os: 'linux' }, [{ key: 'mine', effect: 'NoSchedule' }]), [false, true])
  assert.deepEqual(fits({ os: 'linux' }, [{ key: 'mine', effect: 'NoExecute' }]), [false, false])
  assert.deepEqual(fits({ os: 'linux' }, [{ key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' }]), [
    true,
    true,
  ])
})

test('FailedPods: at once, then later and later', () => {
  const failed = new FailedPods()
  assert.equal(failed.waitMs('s', 'n', 0), 0)
  assert.equal(failed.waitMs('s', 'n', 400), 600)
  assert.equal(failed.waitMs('s', 'n', 1000), 0)
  assert.equal(failed.waitMs('s', 'n', 1500), 1500)
  assert.equal(failed.waitMs('s', 'm', 1500), 0)
  assert.equal(failed.waitMs('s', 'n', 4_000_000), 0)
  assert.equal(failed.waitMs('s', 'n', 4_000_500), 500)
})

test('a daemon set has a pod on every node that suits it, as nodes come and go', async () => {
  await using cluster = await startCluster()
  await using _controllers = await start(cluster, 2)
  const { client } = cluster
  await client.create(daemonSets, logger())
  await cluster.advance('1s')
  assert.deepEqual(await placed(cluster), ['n1 i:1', 'n2 i:1'])
  await playPods(cluster)
  await makeNode(cluster, 'n3')
  await cluster.advance('1s')
  assert.deepEqual(await placed(cluster), ['n1 i:1', 'n2 i:1', 'n3 i:1'])
  await playPods(cluster)
  const { conditions: _, observedGeneration, ...figures } = (await client.get(daemonSets, key)).status ?? {}
  assert.equal(observedGeneration, 1)
  assert.deepEqual(figures, {
    desiredNumberScheduled: 3,
    currentNumberScheduled: 3,
    numberMisscheduled: 0,
    numberReady: 3,
    numberAvailable: 3,
    updatedNumberScheduled: 3,
  })
  await client.patch(nodes, { name: 'n1' }, { type: 'merge', body: { metadata: { labels: { os: 'plan9' } } } })
  await cluster.advance('1s')
  assert.deepEqual(await placed(cluster), ['n2 i:1', 'n3 i:1'])
  const taints = [{ key: 'mine', effect: 'NoSchedule' }]
  await client.patch(nodes, { name: 'n2' }, { type: 'merge', body: { spec: { taints } } })
  await playPods(cluster, { rounds: 2 })
  assert.deepEqual(await placed(cluster), ['n2 i:1', 'n3 i:1'])
  const { status } = await client.get(daemonSets, key)
  assert.deepEqual([status?.desiredNumberScheduled, status?.numberMisscheduled], [1, 1])
})

test('a daemon that fails is replaced at once, then later and later; one that ends is replaced', async () => {
  await using cluster = await startCluster()
  await using _controllers = await start(cluster, 1)
  const { client } = cluster
  await client.create(daemonSets, logger())
  await cluster.advance('1s')
  const names = new Set<string>()
  for (let second = 0; second < 60; second++) {
    for (const { metadata } of (await client.list(pods)).items) names.add(metadata.name)
    await playPods(cluster, { fate: () => ({ exitCode: 1 }) })
  }
  assert.ok(names.size >= 5 && names.size <= 8, `${names.size} pods`)
  const told = (await client.list(events)).items
  assert.ok(
    told.some(
      ({ reason, message }) =>
        reason === 'FailedDaemonPod' &&
        /^Found failed daemon pod default\/log-\w+ on node n1, will try to kill it$/.test(message ?? ''),
    ),
  )
})

test('a new template comes node by node, and its revisions are kept within the limit', async () => {
  await using cluster = await startCluster()
  await using _controllers = await start(cluster, 4)
  const { client } = cluster
  await client.create(daemonSets, logger({ maxUnavailable: 1 }, { revisionHistoryLimit: 1 }))
  await cluster.advance('1s')
  await playPods(cluster, { rounds: 2 })
  for (const text of ['i:2', 'i:3', 'i:4']) {
    await client.patch(daemonSets, key, image(text))
    await cluster.advance('1s')
    for (let round = 0; round < 14; round++) {
      await playPods(cluster)
      assert.ok(((await client.get(daemonSets, key)).status?.numberUnavailable ?? 0) <= 1)
    }
    assert.deepEqual(
      await placed(cluster),
      ['n1', 'n2', 'n3', 'n4'].map((node) => `${node} ${text}`),
    )
  }
  const revisions = async (): Promise<number[]> =>
    (await client.list(controllerRevisions)).items.map(({ revision }) => revision).sort()
  assert.deepEqual(await revisions(), [3, 4])
  // Back to what it was before: that revision becomes the newest.
  await client.patch(daemonSets, key, image('i:3'))
  await playPods(cluster, { rounds: 14 })
  assert.deepEqual(await revisions(), [4, 5])
  assert.equal((await client.get(daemonSets, key)).status?.updatedNumberScheduled, 4)
})

test('a surge makes the new pod first; on delete nothing is replaced by itself', async () => {
  await using cluster = await startCluster()
  await using _controllers = await start(cluster, 2)
  const { client } = cluster
  await client.create(daemonSets, logger({ maxSurge: 1, maxUnavailable: 0 }))
  await cluster.advance('1s')
  await playPods(cluster, { rounds: 2 })
  await client.patch(daemonSets, key, image('i:2'))
  await cluster.advance('1s')
  assert.deepEqual(await placed(cluster), ['n1 i:1', 'n1 i:2', 'n2 i:1'])
  for (let round = 0; round < 8; round++) {
    await playPods(cluster)
    assert.equal((await client.get(daemonSets, key)).status?.numberUnavailable ?? 0, 0)
  }
  assert.deepEqual(await placed(cluster), ['n1 i:2', 'n2 i:2'])
  const body = { spec: { updateStrategy: { type: 'OnDelete', rollingUpdate: null } } }
  await client.patch(daemonSets, key, { type: 'merge', body })
  await client.patch(daemonSets, key, image('i:3'))
  await playPods(cluster, { rounds: 3 })
  assert.deepEqual(await placed(cluster), ['n1 i:2', 'n2 i:2'])
  const [first] = (await client.list(pods, { namespace: 'default' })).items
  await client.delete(pods, { namespace: 'default', name: first?.metadata.name ?? '' })
  await playPods(cluster, { rounds: 3 })
  assert.equal((await placed(cluster)).filter((text) => text.endsWith('i:3')).length, 1)
})
