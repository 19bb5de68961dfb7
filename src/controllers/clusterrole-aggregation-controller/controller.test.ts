import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../../base/log.ts'
import { StatusError } from '../../apimachinery/errors.ts'
import { clusterRoleBindings } from '../../api/rbac/cluster-role-binding.ts'
import { type ClusterRole, clusterRoles } from '../../api/rbac/cluster-role.ts'
import type { PolicyRule } from '../../api/rbac/fields.ts'
import type { Identity } from '../../client/door.ts'
import { startCluster, type TestCluster } from '../../testing/cluster.ts'
import { startControllers } from '../start.ts'
import { clusterRoleAggregationController, decide } from './controller.ts'

const apiVersion = 'rbac.authorization.k8s.io/v1'
const kind = 'ClusterRole'
const ruleOn = (resource: string): PolicyRule => ({ verbs: ['get'], apiGroups: ['example.com'], resources: [resource] })

function role(name: string, labels: Record<string, string>, resources: string[], selects?: string[]): ClusterRole {
  return {
    apiVersion,
    kind,
    metadata: { name, labels },
    rules: resources.map(ruleOn),
    ...(selects
      ? { aggregationRule: { clusterRoleSelectors: selects.map((key) => ({ matchLabels: { [key]: 'true' } })) } }
      : {}),
  }
}

test('decide: by selector, then by name, each rule once, never from itself', () => {
  const a = { a: 'true' }
  const cases: [string, ClusterRole, ClusterRole[], string[] | undefined][] = [
    ['no aggregation rule', role('x', {}, ['own']), [role('p', a, ['one'])], undefined],
    ['nothing selected', role('x', {}, ['own'], ['a']), [role('p', {}, ['one'])], []],
    ['by name', role('x', {}, [], ['a']), [role('q', a, ['two']), role('p', a, ['one'])], ['one', 'two']],
    ['each once', role('x', {}, [], ['a']), [role('p', a, ['one']), role('q', a, ['one', 'two'])], ['one', 'two']],
    [
      'by selector',
      role('x', {}, [], ['b', 'a']),
      [role('p', a, ['one']), role('q', { b: 'true' }, ['two'])],
      ['two', 'one'],
    ],
    ['itself', role('x', a, ['own'], ['a']), [role('x', a, ['own'], ['a']), role('p', a, ['one'])], ['one']],
    ['right as it is', role('x', {}, ['one'], ['a']), [role('p', a, ['one'])], undefined],
  ]
  for (const [name, of, all, expected] of cases)
    assert.deepEqual(
      decide(of, all)?.map(({ resources }) => resources?.[0]),
      expected,
      name,
    )
})

const start = (cluster: TestCluster): AsyncDisposable =>
  startControllers({
    client: cluster.as,
    clock: cluster.clock,
    random: cluster.random,
    log: silentLogger,
    configuration: {},
    controllers: [clusterRoleAggregationController],
  })

async function resourcesOf(cluster: TestCluster, name: string): Promise<string[]> {
  const found = await cluster.get(clusterRoles, { name })
  return (found?.rules ?? []).flatMap(({ apiGroups, resources }) =>
    apiGroups?.includes('example.com') ? [...(resources ?? [])] : [],
  )
}

test('the default roles are right from the start, and take up and give back what is labelled for them', async () => {
  await using cluster = await startCluster()
  const names = ['admin', 'edit', 'view']
  const versions = (): Promise<unknown[]> =>
    Promise.all(names.map(async (name) => (await cluster.get(clusterRoles, { name }))?.metadata.resourceVersion))
  const before = await versions()
  await using _controllers = start(cluster)
  await cluster.advance('1s')
  assert.deepEqual(await versions(), before)
  const label = 'rbac.authorization.k8s.io/aggregate-to-view'
  await cluster.client.create(clusterRoles, role('widgets', { [label]: 'true' }, ['widgets']))
  await cluster.advance('1s')
  for (const name of names) assert.deepEqual(await resourcesOf(cluster, name), ['widgets'], name)
  const body = { metadata: { labels: { [label]: null } } }
  await cluster.client.patch(clusterRoles, { name: 'widgets' }, { type: 'merge', body })
  await cluster.advance('1s')
  for (const name of names) assert.deepEqual(await resourcesOf(cluster, name), [], name)
  assert.ok(((await cluster.get(clusterRoles, { name: 'view' }))?.rules?.length ?? 0) > 0)
})

const GUARD =
  'must have cluster-admin privileges to use the aggregationRule: user "mallory" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:["*"], Resources:["*"], Verbs:["*"]}'

test('nobody but who holds every right aggregates: the controller is no way to more of them', async () => {
  await using cluster = await startCluster()
  await using _controllers = start(cluster)
  const mallory: Identity = { username: 'mallory', groups: ['system:authenticated'] }
  await cluster.client.create(clusterRoles, {
    apiVersion,
    kind,
    metadata: { name: 'role-writer' },
    rules: [
      {
        verbs: ['create', 'get', 'update', 'patch'],
        apiGroups: ['rbac.authorization.k8s.io'],
        resources: ['clusterroles'],
      },
    ],
  })
  await cluster.client.create(clusterRoleBindings, {
    apiVersion,
    kind: 'ClusterRoleBinding',
    metadata: { name: 'role-writer' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name: 'role-writer' },
    subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'mallory' }],
  })
  await cluster.advance('1s')
  const client = cluster.as(mallory)
  const grab = role('grab', {}, [])
  const aggregationRule = {
    clusterRoleSelectors: [{ matchLabels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' } }],
  }
  const refused = (error: unknown): boolean =>
    error instanceof StatusError && error.status.code === 403 && error.message.includes(GUARD)
  await assert.rejects(client.create(clusterRoles, { ...grab, aggregationRule }), refused)
  await client.create(clusterRoles, grab)
  await assert.rejects(
    client.patch(clusterRoles, { name: 'grab' }, { type: 'merge', body: { aggregationRule } }),
    refused,
  )
  await cluster.advance('1s')
  assert.deepEqual((await cluster.get(clusterRoles, { name: 'grab' }))?.rules ?? [], [])
  // Nor is one that gathers frozen at what it has gathered, or led elsewhere; its owners are nobody's right.
  const body = { aggregationRule: null }
  await assert.rejects(client.patch(clusterRoles, { name: 'view' }, { type: 'merge', body }), StatusError)
  const metadata = { finalizers: ['example.com/hold'] }
  await client.patch(clusterRoles, { name: 'view' }, { type: 'merge', body: { metadata } })
  await client.patch(clusterRoles, { name: 'cluster-admin' }, { type: 'merge', body: { metadata } })
})
