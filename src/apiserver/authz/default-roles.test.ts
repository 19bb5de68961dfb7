import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ClusterRole, clusterRoles } from '../../api/rbac/cluster-role.ts'
import { type ClusterRoleBinding, clusterRoleBindings } from '../../api/rbac/cluster-role-binding.ts'
import { roles } from '../../api/rbac/role.ts'
import { startCluster, type TestCluster } from '../../testing/cluster.ts'
import { reconcileDefaultRoles } from './default-roles.ts'
import { reconciledBinding, reconciledRole } from './reconcile-role.ts'

const GROUP = 'rbac.authorization.k8s.io'

function role(resources: string[], tweak: Partial<ClusterRole> = {}): ClusterRole {
  const rules = resources.length > 0 ? [{ verbs: ['get'], apiGroups: [''], resources }] : []
  return { apiVersion: `${GROUP}/v1`, kind: 'ClusterRole', metadata: { name: 'r' }, rules, ...tweak }
}

const annotated = (value: string): Partial<ClusterRole> => ({
  metadata: { name: 'r', annotations: { 'rbac.authorization.kubernetes.io/autoupdate': value } },
})
const selecting = (...keys: string[]): Partial<ClusterRole> => ({
  aggregationRule: { clusterRoleSelectors: keys.map((key) => ({ matchLabels: { [key]: 'true' } })) },
})

test('reconciledRole adds what is lacking and takes nothing away', () => {
  const cases: [string, ClusterRole, ClusterRole, Partial<ClusterRole> | undefined][] = [
    ['same', role(['pods']), role(['pods']), undefined],
    ['covered by more', role(['*']), role(['pods', 'services']), undefined],
    ['more than expected stays', role(['pods', 'secrets']), role(['pods']), undefined],
    [
      'lacking, right by right',
      role(['pods']),
      role(['pods', 'services', 'secrets']),
      { rules: ['pods', 'services', 'secrets'].map((r) => ({ verbs: ['get'], apiGroups: [''], resources: [r] })) },
    ],
    ['protected', role([], annotated('false')), role(['pods'], annotated('true')), undefined],
    ['annotation and label', role([]), role([], annotated('true')), annotated('true')],
    ['aggregation rule where there was none', role(['pods']), role([], selecting('a')), selecting('a')],
    [
      'selectors beside others',
      role(['pods'], selecting('mine')),
      role(['x'], selecting('a', 'mine')),
      selecting('mine', 'a'),
    ],
    ['gathered rules are not ours', role([], selecting('a')), role(['x'], selecting('a')), undefined],
  ]
  for (const [name, existing, expected, change] of cases)
    assert.deepEqual(reconciledRole(existing, expected), change && { ...existing, ...change }, name)
})

test('reconciledBinding adds subjects, and asks for a new one when the role differs', () => {
  const subject = (name: string): { kind: string; apiGroup: string; name: string } => ({
    kind: 'User',
    apiGroup: GROUP,
    name,
  })
  const binding = (users: string[], to = 'r'): ClusterRoleBinding => ({
    apiVersion: `${GROUP}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: { name: 'b' },
    roleRef: { apiGroup: GROUP, kind: 'ClusterRole', name: to },
    subjects: users.map(subject),
  })
  const frozen = {
    ...binding([]),
    metadata: { name: 'b', annotations: annotated('false').metadata?.annotations ?? {} },
  }
  assert.deepEqual(reconciledBinding(binding(['a', 'b']), binding(['a'])), { do: 'nothing' })
  assert.deepEqual(reconciledBinding(binding(['b']), binding(['a'])), { do: 'update', binding: binding(['b', 'a']) })
  assert.deepEqual(reconciledBinding(binding(['a'], 'other'), binding(['a'])), { do: 'recreate' })
  assert.deepEqual(reconciledBinding(frozen, binding(['a'])), { do: 'nothing' })
})

test('a server that starts again mends the default roles and bindings, and writes nothing when all is right', async () => {
  await using cluster = await startCluster()
  const { client } = cluster
  const versions = async (): Promise<unknown> =>
    (await Promise.all([client.list(clusterRoles), client.list(clusterRoleBindings)])).map(({ items }) =>
      items.map(({ metadata }) => metadata.resourceVersion),
    )
  const before = await versions()
  await reconcileDefaultRoles(client)
  assert.deepEqual(await versions(), before)
  await tamper(cluster)
  await reconcileDefaultRoles(client)
  const discovery = await client.get(clusterRoles, { name: 'system:discovery' })
  assert.ok(discovery.rules?.some(({ nonResourceURLs }) => nonResourceURLs?.includes('/api')))
  assert.ok(discovery.rules?.some(({ resources }) => resources?.includes('extra')))
  assert.deepEqual((await client.get(clusterRoles, { name: 'system:basic-user' })).rules ?? [], [])
  const { roleRef, subjects } = await client.get(clusterRoleBindings, { name: 'system:discovery' })
  assert.equal(roleRef.name, 'system:discovery')
  assert.deepEqual(
    subjects?.map(({ name }) => name),
    ['system:authenticated'],
  )
  assert.ok(await cluster.get(clusterRoles, { name: 'system:node' }))
  const signer = await client.get(roles, { namespace: 'kube-public', name: 'system:controller:bootstrap-signer' })
  assert.equal(signer.rules?.[0]?.resources?.[0], 'configmaps')
})

async function tamper({ client }: TestCluster): Promise<void> {
  const extra = { verbs: ['get'], apiGroups: ['example.com'], resources: ['extra'] }
  const rules = { type: 'merge', body: { rules: [extra] } } as const
  await client.patch(clusterRoles, { name: 'system:discovery' }, rules)
  const { metadata } = annotated('false')
  const body = { rules: [], metadata: { annotations: metadata?.annotations } }
  await client.patch(clusterRoles, { name: 'system:basic-user' }, { type: 'merge', body })
  await client.delete(clusterRoles, { name: 'system:node' })
  const key = { namespace: 'kube-public', name: 'system:controller:bootstrap-signer' }
  await client.patch(roles, key, { type: 'merge', body: { rules: [] } })
  await client.delete(clusterRoleBindings, { name: 'system:discovery' })
  await client.create(clusterRoleBindings, {
    apiVersion: `${GROUP}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: { name: 'system:discovery' },
    roleRef: { apiGroup: GROUP, kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ kind: 'User', apiGroup: GROUP, name: 'mallory' }],
  })
}
