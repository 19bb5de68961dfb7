// Which tolerations a new pod is given, beside those it has.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Pod, pods } from '../../api/core/pod/pod.ts'
import { startCluster } from '../../testing/cluster.ts'
import { makePod, withDefaultAccount } from './testing-pods.ts'

const NOT_READY = 'node.kubernetes.io/not-ready'
const UNREACHABLE = 'node.kubernetes.io/unreachable'
const given = (key: string): object => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 })

const CASES: Record<string, [own: object[], want: object[]]> = {
  none: [[], [given(NOT_READY), given(UNREACHABLE)]],
  other: [[{ key: 'a' }], [{ key: 'a' }, given(NOT_READY), given(UNREACHABLE)]],
  one: [[{ key: NOT_READY }], [{ key: NOT_READY }, given(UNREACHABLE)]],
  'other-effect': [
    [{ key: UNREACHABLE, effect: 'NoSchedule' }],
    [{ key: UNREACHABLE, effect: 'NoSchedule' }, given(NOT_READY), given(UNREACHABLE)],
  ],
  everything: [[{ operator: 'Exists' }], [{ operator: 'Exists' }]],
}

test('a new pod bears a node that is gone for a while, unless it says for how long', async () => {
  await using cluster = await withDefaultAccount(await startCluster())
  for (const [name, [own, want]] of Object.entries(CASES)) {
    const pod = (await cluster.client.create(pods, makePod(name, own.length > 0 ? { tolerations: own } : {}))) as Pod
    assert.deepEqual(pod.spec.tolerations, want, name)
  }
})
