// What a pod takes over from its runtime class.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isForbidden } from '../../apimachinery/errors.ts'
import { type Pod, pods } from '../../api/core/pod/pod.ts'
import { runtimeClasses } from '../../api/node/runtime-class.ts'
import { startCluster } from '../../testing/cluster.ts'
import { mergeTolerations } from './runtime-class.ts'
import { makePod, withDefaultAccount } from './testing-pods.ts'

const exists = { operator: 'Exists' as const }

test('a pod pays the overhead of its class and goes where the class is', async () => {
  await using cluster = await withDefaultAccount(await startCluster())
  const { client } = cluster
  await client.create(runtimeClasses, {
    apiVersion: 'node.k8s.io/v1',
    kind: 'RuntimeClass',
    metadata: { name: 'vm' },
    handler: 'vm',
    overhead: { podFixed: { memory: '64Mi' } },
    scheduling: { nodeSelector: { vm: 'yes' }, tolerations: [{ key: 'vm', ...exists }] },
  })
  const create = async (spec: object): Promise<Pod> => (await client.create(pods, makePod('a', spec))) as Pod
  const { spec } = await create({ runtimeClassName: 'vm', nodeSelector: { a: 'b' }, overhead: { memory: '65536Ki' } })
  assert.deepEqual(spec.overhead, { memory: '64Mi' })
  assert.deepEqual(spec.nodeSelector, { a: 'b', vm: 'yes' })
  assert.deepEqual(spec.tolerations?.at(-1), { key: 'vm', operator: 'Exists' })
  const refused: [object, RegExp][] = [
    [{ runtimeClassName: 'no' }, /pod rejected: RuntimeClass "no" not found/],
    [{ runtimeClassName: 'vm', overhead: { memory: '1Mi' } }, /Overhead doesn't match RuntimeClass's defined Overhead/],
    [{ overhead: { memory: '1Mi' } }, /Pod Overhead set without corresponding RuntimeClass defined Overhead/],
    [
      { runtimeClassName: 'vm', nodeSelector: { vm: 'no' } },
      /conflict: runtimeClass.scheduling.nodeSelector\[vm\] = yes; pod.spec.nodeSelector\[vm\] = no/,
    ],
  ]
  for (const [wrong, why] of refused) {
    await assert.rejects(create(wrong), (e) => isForbidden(e) && why.test(e.message))
  }
})

describe('mergeTolerations', () => {
  const a = { key: 'a', operator: 'Equal' as const, value: '1', effect: 'NoExecute' }
  const brief = { key: 'a', ...exists, effect: 'NoExecute', tolerationSeconds: 5 }
  const cases: Record<string, [Parameters<typeof mergeTolerations>[0], object[]]> = {
    'keeps what differs': [
      [a, { ...a, value: '2' }],
      [a, { ...a, value: '2' }],
    ],
    'keeps one of equals': [[a, { ...a }], [a]],
    'drops what a later one covers': [[a, exists], [exists]],
    'drops what an earlier one covers': [[{ key: 'a', ...exists }, a], [{ key: 'a', ...exists }]],
    'keeps what lasts longer': [
      [brief, a],
      [brief, a],
    ],
  }
  for (const [name, [all, want]] of Object.entries(cases)) {
    test(name, () => assert.deepEqual(mergeTolerations(all), want))
  }
})
