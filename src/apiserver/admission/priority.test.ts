// Which priority a pod gets, and which classes there may be.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isForbidden, isInvalid } from '../../apimachinery/errors.ts'
import { type Pod, pods } from '../../api/core/pod/pod.ts'
import { priorityClasses } from '../../api/scheduling/priority-class.ts'
import { startCluster } from '../../testing/cluster.ts'
import { makePod, withDefaultAccount } from './testing-pods.ts'

const priorityClass = (name: string, value: number, rest: object = {}): never =>
  ({ apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name }, value, ...rest }) as never

const figures = ({ spec }: Pick<Pod, 'spec'>): unknown[] => [
  spec.priorityClassName,
  spec.priority,
  spec.preemptionPolicy,
]

test('a pod gets the number of its class, and no other', async () => {
  await using cluster = await withDefaultAccount(await startCluster())
  const { client } = cluster
  await client.create(priorityClasses, priorityClass('high', 1000, { preemptionPolicy: 'Never' }))
  const pod = async (name: string, spec: object): Promise<unknown[]> =>
    figures((await client.create(pods, makePod(name, spec))) as Pod)
  assert.deepEqual(await pod('none', {}), [undefined, 0, 'PreemptLowerPriority'])
  assert.deepEqual(await pod('a', { priorityClassName: 'high' }), ['high', 1000, 'Never'])
  assert.deepEqual(await pod('b', { priorityClassName: 'high', priority: 1000 }), ['high', 1000, 'Never'])
  assert.deepEqual((await pod('c', { priorityClassName: 'system-node-critical' }))[1], 2_000_001_000)
  const refused: [object, RegExp][] = [
    [{ priorityClassName: 'low' }, /no PriorityClass with name low was found/],
    [
      { priorityClassName: 'high', priority: 1 },
      /the integer value of priority \(1\) must not be provided in pod spec; priority admission controller computed 1000 from the given PriorityClass name/,
    ],
    [
      { priorityClassName: 'high', preemptionPolicy: 'PreemptLowerPriority' },
      /the string value of PreemptionPolicy \(PreemptLowerPriority\) must not be provided in pod spec; priority admission controller computed Never/,
    ],
  ]
  for (const [spec, why] of refused) {
    await assert.rejects(pod('refused', spec), (e) => isForbidden(e) && why.test(e.message))
  }
})

test('one class is the default of pods that name none', async () => {
  await using cluster = await withDefaultAccount(await startCluster())
  const { client } = cluster
  await client.create(priorityClasses, priorityClass('usual', 7, { globalDefault: true }))
  const second = client.create(priorityClasses, priorityClass('other', 8, { globalDefault: true }))
  await assert.rejects(
    second,
    (e) =>
      isForbidden(e) && /PriorityClass usual is already marked as default. Only one default can exist/.test(e.message),
  )
  const described = { type: 'merge' as const, body: { description: 'still the default' } }
  await client.patch(priorityClasses, { name: 'usual' }, described)
  assert.deepEqual(figures((await client.create(pods, makePod('a', {}))) as Pod), ['usual', 7, 'PreemptLowerPriority'])
})

test("the system's classes are there from the start, and stay", async () => {
  await using cluster = await startCluster()
  const { client } = cluster
  const { items } = await client.list(priorityClasses)
  assert.deepEqual(
    items.map(({ metadata, value }) => [metadata.name, value, metadata.generation]),
    [
      ['system-cluster-critical', 2_000_000_000, 1],
      ['system-node-critical', 2_000_001_000, 1],
    ],
  )
  await assert.rejects(
    client.delete(priorityClasses, { name: 'system-node-critical' }),
    (e) => isForbidden(e) && /this is a system priority class and cannot be deleted/.test(e.message),
  )
  await assert.rejects(client.create(priorityClasses, priorityClass('system-mine', 1)), isInvalid)
})
