// Evictions ask the pod's disruption budget: what it allows happens and is counted, what it does not is refused in upstream's words.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Pod, pods } from '../../api/core/pod/pod.ts'
import { type ServiceAccount, serviceAccounts } from '../../api/core/service-account.ts'
import { type PodDisruptionBudget, podDisruptionBudgets } from '../../api/policy/pod-disruption-budget.ts'
import { ADMIN, startCluster, type TestCluster } from '../../testing/cluster.ts'
import { type Answer, callsTo } from '../../testing/http.ts'

interface Situation {
  pod?: Pod['status'] & object
  labels?: Record<string, string>
  spec?: object
  status?: Partial<PodDisruptionBudget['status'] & object>
  budgets?: readonly string[]
  options?: object
}

const ready = (state: string): Pod['status'] & object => ({
  phase: 'Running',
  conditions: [{ type: 'Ready', status: state, lastTransitionTime: '2030-01-01T12:00:00Z' }],
})
const allowing = (disruptionsAllowed: number): Situation['status'] & object => ({
  disruptionsAllowed,
  desiredHealthy: 2,
  currentHealthy: 2 + disruptionsAllowed,
  expectedPods: 2 + disruptionsAllowed,
  observedGeneration: 1,
})

/** A cluster in which pods can be made. */
async function startWithAccount(): Promise<TestCluster> {
  const cluster = await startCluster()
  await cluster.client.create(serviceAccounts, {
    metadata: { namespace: 'default', name: 'default' },
  } as ServiceAccount)
  return cluster
}

async function evicted(situation: Situation): Promise<{ cluster: TestCluster; answer: Answer }> {
  const cluster = await startWithAccount()
  const { client } = cluster
  const metadata = { namespace: 'default', name: 'web', labels: situation.labels ?? { app: 'web' } }
  const container = { name: 'web', image: 'web' }
  const pod = await client.create(pods, {
    metadata,
    spec: { containers: [container], nodeName: 'n' },
  } as unknown as Pod)
  const seen = { ...pod, status: situation.pod ?? ready('True') } as Pod
  await client.update(pods, seen, { subresource: 'status' })
  for (const name of situation.budgets ?? ['web']) {
    const spec = { minAvailable: 2, selector: { matchLabels: { app: 'web' } }, ...situation.spec }
    const budget = await client.create(podDisruptionBudgets, {
      metadata: { namespace: 'default', name },
      spec,
    } as unknown as PodDisruptionBudget)
    const status = { ...allowing(0), ...situation.status }
    await client.update(podDisruptionBudgets, { ...budget, status } as PodDisruptionBudget, { subresource: 'status' })
  }
  const body = {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { namespace: 'default', name: 'web' },
    ...(situation.options ? { deleteOptions: situation.options } : {}),
  }
  const call = callsTo(cluster.server.handle, ADMIN)
  return { cluster, answer: await call('POST', '/api/v1/namespaces/default/pods/web/eviction', { body }) }
}

const isLeaving = async (cluster: TestCluster): Promise<boolean> =>
  (await cluster.get(pods, { namespace: 'default', name: 'web' }))?.metadata.deletionTimestamp !== undefined

const VIOLATED = "Cannot evict pod as it would violate the pod's disruption budget."

describe('an eviction is refused', () => {
  const cases: Record<string, [situation: Situation, code: number, message: string, cause?: string, retry?: number]> = {
    'when the budget allows none': [
      {},
      429,
      VIOLATED,
      'The disruption budget web needs 2 healthy pods and has 2 currently',
    ],
    'when the budget is younger than its status': [
      { status: { ...allowing(1), observedGeneration: 0 } },
      429,
      VIOLATED,
      'The disruption budget web is still being processed by the server.',
      10,
    ],
    'when the budget could not be worked out': [
      {
        status: {
          conditions: [
            {
              type: 'DisruptionAllowed',
              status: 'False',
              reason: 'SyncFailed',
              message: 'no scale',
              lastTransitionTime: '2030-01-01T12:00:00Z',
            },
          ],
        },
      },
      429,
      VIOLATED,
      'The disruption budget web does not allow evicting pods currently because it failed sync: no scale',
    ],
    'when there are several budgets': [
      { budgets: ['a', 'b'], status: allowing(1) },
      500,
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    ],
    'when the pod is unhealthy and the others are too': [
      { pod: ready('False'), status: { currentHealthy: 1 } },
      429,
      VIOLATED,
      'The disruption budget web needs 2 healthy pods and has 1 currently',
    ],
    'when too many are on their way': [
      {
        status: {
          ...allowing(1),
          disruptedPods: Object.fromEntries(Array.from({ length: 2001 }, (_, i) => [`p${i}`, '2030-01-01T12:00:00Z'])),
        },
      },
      403,
      'poddisruptionbudget.policy "web" is forbidden: DisruptedPods map too big - too many evictions not confirmed by PDB controller',
    ],
    'when the client means another pod': [
      { status: allowing(1), options: { preconditions: { uid: 'other' } } },
      409,
      'Operation cannot be fulfilled on Pod "web": the UID in the precondition (other) does not match',
    ],
  }
  for (const [name, [situation, code, message, cause, retry]] of Object.entries(cases)) {
    test(name, async () => {
      const { cluster, answer } = await evicted(situation)
      await using _ = cluster
      assert.equal(answer.status, code, answer.text)
      assert.ok(String(answer.json['message']).startsWith(message), answer.text)
      const details = answer.json['details'] as { causes?: object[]; retryAfterSeconds?: number } | undefined
      if (cause) assert.deepEqual(details?.causes, [{ reason: 'DisruptionBudget', message: cause }])
      if (cause) assert.equal(details?.retryAfterSeconds, retry)
      assert.equal(answer.headers['retry-after'], retry === undefined ? undefined : String(retry))
      assert.equal(await isLeaving(cluster), false)
    })
  }
})

describe('an eviction happens', () => {
  const cases: Record<string, [situation: Situation, left: number]> = {
    'when the budget allows it': [{ status: allowing(1) }, 0],
    'without a budget': [{ budgets: [] }, 0],
    'when the pod has no labels': [{ labels: {} }, 0],
    'when the pod is pending': [{ pod: { phase: 'Pending' } }, 0],
    'when the pod is unhealthy and the others are well': [{ pod: ready('False') }, 0],
    'when the unhealthy may always go': [
      { pod: ready('False'), status: { currentHealthy: 0 }, spec: { unhealthyPodEvictionPolicy: 'AlwaysAllow' } },
      0,
    ],
    'of an unhealthy pod without a charge': [{ pod: ready('False'), status: allowing(1) }, 1],
  }
  for (const [name, [situation, left]] of Object.entries(cases)) {
    test(name, async () => {
      const { cluster, answer } = await evicted(situation)
      await using _ = cluster
      assert.deepEqual(
        [answer.status, answer.json],
        [201, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }],
        answer.text,
      )
      assert.equal(await isLeaving(cluster), true)
      const budget = await cluster.get(podDisruptionBudgets, { namespace: 'default', name: 'web' })
      if (budget) assert.equal(budget.status?.disruptionsAllowed, left)
    })
  }
})

test('an eviction is written into pod and budget', async () => {
  const { cluster } = await evicted({ status: allowing(1) })
  await using _ = cluster
  const now = '2030-01-01T12:00:00Z'
  const pod = await cluster.get(pods, { namespace: 'default', name: 'web' })
  const condition = pod?.status?.conditions?.find(({ type }) => type === 'DisruptionTarget')
  assert.deepEqual([condition?.status, condition?.reason], ['True', 'EvictionByEvictionAPI'])
  const budget = await cluster.get(podDisruptionBudgets, { namespace: 'default', name: 'web' })
  assert.deepEqual(budget?.status?.disruptedPods, { web: now })
  assert.deepEqual(budget.status.conditions, [
    {
      type: 'DisruptionAllowed',
      status: 'False',
      reason: 'InsufficientPods',
      message: '',
      observedGeneration: 1,
      lastTransitionTime: now,
    },
  ])
})

test('a finished pod goes at once', async () => {
  const { cluster, answer } = await evicted({ pod: { phase: 'Succeeded' } })
  await using _ = cluster
  assert.equal(answer.status, 201)
})

test('a dry run asks and changes nothing', async () => {
  const { cluster, answer } = await evicted({ status: allowing(1), options: { dryRun: ['All'] } })
  await using _ = cluster
  assert.equal(answer.status, 201)
  assert.equal(await isLeaving(cluster), false)
  const budget = await cluster.get(podDisruptionBudgets, { namespace: 'default', name: 'web' })
  assert.deepEqual([budget?.status?.disruptionsAllowed, budget?.status?.disruptedPods], [1, undefined])
  const refused = await evicted({ options: { dryRun: ['All'] } })
  await using __ = refused.cluster
  assert.equal(refused.answer.status, 429)
})

test('two evictions at once are not both allowed by a budget of one', async () => {
  await using cluster = await startWithAccount()
  const { client, server } = cluster
  const labels = { app: 'web' }
  for (const name of ['a', 'b']) {
    const metadata = { namespace: 'default', name, labels }
    const spec = { containers: [{ name: 'web', image: 'web' }], nodeName: 'n' }
    const pod = await client.create(pods, { metadata, spec } as unknown as Pod)
    await client.update(pods, { ...pod, status: ready('True') } as Pod, { subresource: 'status' })
  }
  const metadata = { namespace: 'default', name: 'web' }
  const spec = { minAvailable: 2, selector: { matchLabels: labels } }
  const budget = await client.create(podDisruptionBudgets, { metadata, spec } as unknown as PodDisruptionBudget)
  const status = allowing(1)
  await client.update(podDisruptionBudgets, { ...budget, status } as PodDisruptionBudget, { subresource: 'status' })
  const call = callsTo(server.handle, ADMIN)
  const evict = (name: string): Promise<Answer> =>
    call('POST', `/api/v1/namespaces/default/pods/${name}/eviction`, {
      body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { namespace: 'default', name } },
    })
  const codes = (await Promise.all([evict('a'), evict('b')])).map((answer) => answer.status)
  assert.deepEqual(codes.toSorted(), [201, 429])
})
