import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../../base/log.ts'
import { deployments } from '../../api/apps/deployment.ts'
import { pods } from '../../api/core/pod/pod.ts'
import {
  type PodDisruptionBudget,
  type PodDisruptionBudgetStatus,
  podDisruptionBudgets,
} from '../../api/policy/pod-disruption-budget.ts'
import { startCluster } from '../../testing/cluster.ts'
import { playPods } from '../../testing/pod-player.ts'
import { deploymentController } from '../deployment-controller/controller.ts'
import { replicaSetController } from '../replicaset-controller/controller.ts'
import { serviceAccountController } from '../service-account-controller/controller.ts'
import { startControllers } from '../start.ts'
import { disruptionController } from './controller.ts'
import { disruptedOf, expectationOf, statusOf } from './decide.ts'

const NOW = Date.parse('2030-01-01T12:00:00Z')
const pod = (name: string, isReady = true): never =>
  ({ metadata: { name }, status: { conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }] } }) as never

test('how many pods are expected and must be healthy', () => {
  const cases: [spec: object, scale: number, expected: number, desired: number][] = [
    [{ minAvailable: 1 }, 9, 2, 1],
    [{ minAvailable: '50%' }, 9, 9, 5],
    [{ maxUnavailable: 1 }, 9, 9, 8],
    [{ maxUnavailable: '30%' }, 10, 10, 7],
    [{ maxUnavailable: 20 }, 9, 9, 0],
  ]
  for (const [spec, scale, expected, desiredHealthy] of cases)
    assert.deepEqual(
      expectationOf({ metadata: { name: 'b' }, spec } as never, [pod('a'), pod('b')], () => scale),
      { expected, desiredHealthy },
      JSON.stringify(spec),
    )
})

test('an evicted pod is no longer healthy, unless its eviction came to nothing', () => {
  const budget = {
    metadata: { name: 'b', generation: 2 },
    spec: {},
    status: { disruptedPods: { a: '2030-01-01T11:59:00Z', b: '2030-01-01T11:57:00Z', gone: '2030-01-01T12:00:00Z' } },
  } as unknown as PodDisruptionBudget
  const found = [pod('a'), pod('b'), pod('c'), pod('d', false)]
  const disrupted = disruptedOf(budget, found, NOW)
  assert.deepEqual(Object.keys(disrupted.pods), ['a'])
  assert.deepEqual(disrupted.notDeleted, [found[1]])
  assert.equal(disrupted.recheckMs, 60_000)
  const { conditions, ...figures } = statusOf(budget, found, { expected: 4, desiredHealthy: 1 }, disrupted, NOW)
  assert.deepEqual(figures, {
    observedGeneration: 2,
    disruptedPods: { a: '2030-01-01T11:59:00Z' },
    disruptionsAllowed: 1,
    currentHealthy: 2,
    desiredHealthy: 1,
    expectedPods: 4,
  })
  assert.deepEqual(
    conditions?.map(({ type, status, reason }) => [type, status, reason]),
    [['DisruptionAllowed', 'True', 'SufficientPods']],
  )
})

test('a budget follows the pods of a deployment and its scale', async () => {
  await using cluster = await startCluster()
  const { clock, random, client } = cluster
  await using _controllers = startControllers({
    client: cluster.as,
    clock,
    random,
    log: silentLogger,
    configuration: {},
    controllers: [serviceAccountController, deploymentController, replicaSetController, disruptionController],
  })
  await cluster.advance('1s')
  const key = { namespace: 'default', name: 'web' }
  const selector = { matchLabels: { app: 'web' } }
  const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
  await client.create(podDisruptionBudgets, {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: key,
    spec: { selector, maxUnavailable: 1 },
  } as PodDisruptionBudget)
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: key,
    spec: { replicas: 4, selector, template },
  }
  await client.create(deployments, deployment as never)
  await cluster.advance('1s')
  const figures = async (): Promise<unknown[]> => {
    const { expectedPods, desiredHealthy, currentHealthy, disruptionsAllowed } = (
      await client.get(podDisruptionBudgets, key)
    ).status as PodDisruptionBudgetStatus
    return [expectedPods, desiredHealthy, currentHealthy, disruptionsAllowed]
  }
  assert.deepEqual(await figures(), [4, 3, 0, 0])
  await playPods(cluster, { rounds: 2 })
  assert.deepEqual(await figures(), [4, 3, 4, 1])
  const [first] = (await client.list(pods)).items
  await playPods(cluster, { fate: ({ metadata }) => (metadata.name === first?.metadata.name ? 'unready' : 'ready') })
  assert.deepEqual(await figures(), [4, 3, 3, 0])
  await client.patch(deployments, key, { type: 'merge', body: { spec: { replicas: 2 } } })
  await playPods(cluster, { rounds: 2 })
  assert.deepEqual(await figures(), [2, 1, 2, 1])
})
