import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAlreadyExists, isConflict, isForbidden, isInvalid, isNotFound, StatusError } from '../apimachinery/errors.ts'
import { configMaps } from '../api/core/config-map.ts'
import { namespaces } from '../api/core/namespace.ts'
import { type Pod, pods } from '../api/core/pod/pod.ts'
import { serviceAccounts } from '../api/core/service-account.ts'
import { services } from '../api/core/service/service.ts'
import { clusterRoles } from '../api/rbac/cluster-role.ts'
import type { Patch } from '../client/client.ts'
import { startCluster } from '../testing/cluster.ts'

const configMap = (name: string, data: Record<string, string> = { a: '1' }): never =>
  ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' }, data }) as never

test('an object is created, read, changed and deleted', async () => {
  await using cluster = await startCluster()
  const { client } = cluster
  const created = await client.create(configMaps, configMap('a'))
  assert.equal(created.metadata.creationTimestamp, '2030-01-01T12:00:00Z')
  assert.match(created.metadata.uid ?? '', /^[0-9a-f-]{36}$/)
  assert.equal(created.metadata.managedFields?.[0]?.manager, 'test')
  const key = { namespace: 'default', name: 'a' }
  assert.deepEqual(await client.get(configMaps, key), created)
  const patched = await client.patch(configMaps, key, { type: 'merge', body: { data: { b: '2' } } })
  assert.deepEqual(patched.data, { a: '1', b: '2' })
  assert.ok(Number(patched.metadata.resourceVersion) > Number(created.metadata.resourceVersion))
  const same = await client.patch(configMaps, key, { type: 'merge', body: { data: { b: '2' } } })
  assert.equal(
    same.metadata.resourceVersion,
    patched.metadata.resourceVersion,
    'a patch that changes nothing writes nothing',
  )
  await assert.rejects(client.update(configMaps, created), isConflict)
  await client.delete(configMaps, key)
  await assert.rejects(client.get(configMaps, key), isNotFound)
})

test('a second object of a name is refused, a generated name is not', async () => {
  await using cluster = await startCluster()
  const { client } = cluster
  await client.create(configMaps, configMap('a'))
  await assert.rejects(client.create(configMaps, configMap('a')), isAlreadyExists)
  const generated = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { generateName: 'g-', namespace: 'default' },
  } as never
  assert.match((await client.create(configMaps, generated)).metadata.name, /^g-[a-z0-9]{5}$/)
})

test('bad objects are refused in upstream words', async () => {
  await using cluster = await startCluster()
  await assert.rejects(
    cluster.client.create(configMaps, configMap('Bad_Name')),
    (e) =>
      isInvalid(e) &&
      /ConfigMap "Bad_Name" is invalid: metadata.name: Invalid value: "Bad_Name": a lowercase RFC 1123 subdomain/.test(
        e.message,
      ),
  )
  const elsewhere = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'nowhere' } } as never
  await assert.rejects(
    cluster.client.create(configMaps, elsewhere),
    (e) => isNotFound(e) && e.message === 'namespaces "nowhere" not found',
  )
})

test('a watch sees every change after its revision, once and in order', async () => {
  await using cluster = await startCluster()
  const { client } = cluster
  const { resourceVersion } = await client.list(configMaps, { namespace: 'default' })
  for (const name of ['a', 'b', 'c']) await client.create(configMaps, configMap(name))
  await client.delete(configMaps, { namespace: 'default', name: 'b' })
  const seen: string[] = []
  const stop = new AbortController()
  for await (const batch of client.watch(configMaps, { namespace: 'default', resourceVersion, signal: stop.signal })) {
    for (const { type, object } of batch) seen.push(`${type} ${object.metadata.name}`)
    if (seen.length === 4) break
  }
  assert.deepEqual(seen, ['ADDED a', 'ADDED b', 'ADDED c', 'DELETED b'])
})

test('a watch by label sees objects enter and leave its selection', async () => {
  await using cluster = await startCluster()
  const { client } = cluster
  const { resourceVersion } = await client.list(configMaps)
  const key = { namespace: 'default', name: 'a' }
  await client.create(configMaps, configMap('a'))
  await client.patch(configMaps, key, { type: 'merge', body: { metadata: { labels: { app: 'x' } } } })
  await client.patch(configMaps, key, { type: 'merge', body: { data: { z: '1' } } })
  await client.patch(configMaps, key, { type: 'merge', body: { metadata: { labels: { app: null } } } })
  const seen: string[] = []
  for await (const batch of client.watch(configMaps, { labelSelector: 'app=x', resourceVersion })) {
    for (const { type } of batch) seen.push(type)
    if (seen.length === 3) break
  }
  assert.deepEqual(seen, ['ADDED', 'MODIFIED', 'DELETED'])
})

test('pages of a list stay at one revision', async () => {
  await using cluster = await startCluster()
  const { client } = cluster
  for (const name of ['a', 'b', 'c', 'd', 'e']) await client.create(configMaps, configMap(name))
  const first = await client.list(configMaps, { namespace: 'default', limit: 2 })
  assert.deepEqual([first.items.map((i) => i.metadata.name), first.remainingItemCount], [['a', 'b'], 3])
  await client.create(configMaps, configMap('bb'))
  await client.delete(configMaps, { namespace: 'default', name: 'd' })
  const second = await client.list(configMaps, { namespace: 'default', limit: 10, continue: first.continue ?? '' })
  assert.deepEqual(
    second.items.map((i) => i.metadata.name),
    ['c', 'd', 'e'],
  )
  assert.equal(second.resourceVersion, first.resourceVersion)
})

const nginx = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'nginx', namespace: 'default' },
  spec: { containers: [{ name: 'nginx', image: 'nginx' }] },
} as unknown as Pod

test('a pod is admitted with its account, its token volume and its tolerations', async () => {
  await using cluster = await startCluster()
  const { client } = cluster
  await assert.rejects(
    client.create(pods, nginx),
    (e) => isForbidden(e) && /serviceaccount "default" not found/.test(e.message),
  )
  await client.create(serviceAccounts, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default', namespace: 'default' },
  } as never)
  const pod = await client.create(pods, nginx)
  assert.equal(pod.spec.serviceAccountName, 'default')
  assert.equal(pod.spec.volumes?.[0]?.projected?.sources?.length, 3)
  assert.equal(pod.spec.tolerations?.length, 2)
  assert.equal(pod.spec.containers[0]?.imagePullPolicy, 'Always')
  assert.equal(pod.status?.phase, 'Pending')
})

test('a pod on a node is deleted gracefully, one without a node at once', async () => {
  await using cluster = await startCluster()
  const { client } = cluster
  await client.create(serviceAccounts, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default', namespace: 'default' },
  } as never)
  const key = { namespace: 'default', name: 'nginx' }
  await client.create(pods, nginx)
  await client.delete(pods, key)
  assert.equal(await cluster.get(pods, key), undefined)
  await client.create(pods, nginx)
  await client.post(pods, key, 'binding', {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: { name: 'nginx' },
    target: { kind: 'Node', name: 'n1' },
  })
  assert.equal((await client.get(pods, key)).spec.nodeName, 'n1')
  await client.delete(pods, key)
  const going = await client.get(pods, key)
  assert.deepEqual(
    [going.metadata.deletionGracePeriodSeconds, going.metadata.deletionTimestamp],
    [30, '2030-01-01T12:00:30Z'],
  )
  await client.delete(pods, key, { gracePeriodSeconds: 0 })
  assert.equal(await cluster.get(pods, key), undefined)
})

test('a finalizer holds an object until it is taken away', async () => {
  await using cluster = await startCluster()
  const { client } = cluster
  const key = { namespace: 'default', name: 'a' }
  await client.create(configMaps, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { ...key, finalizers: ['example.com/hold'] },
  } as never)
  await client.delete(configMaps, key)
  assert.ok((await client.get(configMaps, key)).metadata.deletionTimestamp)
  await client.patch(configMaps, key, { type: 'merge', body: { metadata: { finalizers: null } } })
  assert.equal(await cluster.get(configMaps, key), undefined)
})

test('services get addresses and node ports, and give them back', async () => {
  await using cluster = await startCluster()
  const { client } = cluster
  const service = (name: string, spec: object): never =>
    ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: 'default' },
      spec: { ports: [{ port: 80 }], ...spec },
    }) as never
  const a = await client.create(services, service('a', { type: 'NodePort', clusterIP: '10.96.0.50' }))
  assert.equal(a.spec.clusterIP, '10.96.0.50')
  assert.ok((a.spec.ports?.[0]?.nodePort ?? 0) >= 30000)
  await assert.rejects(
    client.create(services, service('b', { clusterIP: '10.96.0.50' })),
    (e) => isInvalid(e) && /provided IP is already allocated/.test(e.message),
  )
  await client.delete(services, { namespace: 'default', name: 'a' })
  await client.create(services, service('b', { clusterIP: '10.96.0.50' }))
  assert.equal((await client.get(services, { namespace: 'default', name: 'kubernetes' })).spec.clusterIP, '10.96.0.1')
})

test('roles decide for everybody but system:masters, and nobody grants what they lack', async () => {
  await using cluster = await startCluster()
  const alice = cluster.as({ username: 'alice', groups: ['system:authenticated'] })
  await assert.rejects(
    alice.list(pods),
    (e) =>
      isForbidden(e) &&
      e.message === 'pods is forbidden: User "alice" cannot list resource "pods" in API group "" at the cluster scope',
  )
  const controller = cluster.as({
    username: 'system:serviceaccount:kube-system:replicaset-controller',
    groups: ['system:serviceaccounts', 'system:authenticated'],
  })
  assert.deepEqual((await controller.list(pods)).items, [])
  const granter = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'granter' },
    rules: [
      {
        apiGroups: ['rbac.authorization.k8s.io'],
        resources: ['clusterroles'],
        verbs: ['*'].filter(() => false).concat('create'),
      },
    ],
  }
  await cluster.client.create(clusterRoles, granter as never)
  const binding = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'granter' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'granter' },
    subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'alice' }],
  }
  await cluster.client.create(
    (await import('../api/rbac/cluster-role-binding.ts')).clusterRoleBindings,
    binding as never,
  )
  const more = {
    ...granter,
    metadata: { name: 'more' },
    rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'] }],
  }
  await assert.rejects(
    alice.create(clusterRoles, more as never),
    (e) =>
      isForbidden(e) &&
      /attempting to grant RBAC permissions not currently held:\n\{APIGroups:\[""\], Resources:\["secrets"\], Verbs:\["get"\]\}/.test(
        e.message,
      ),
  )
  await alice.create(clusterRoles, { ...granter, metadata: { name: 'same' } } as never)
})

test('server-side apply creates, changes, and conflicts', async () => {
  await using cluster = await startCluster()
  const { client } = cluster
  const key = { namespace: 'default', name: 'a' }
  const body = (data: object): object => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data })
  const made = await client.patch(
    configMaps,
    key,
    { type: 'apply', body: body({ a: '1', b: '2' }) },
    { fieldManager: 'one' },
  )
  const again = await client.patch(
    configMaps,
    key,
    { type: 'apply', body: body({ a: '1', b: '2' }) },
    { fieldManager: 'one' },
  )
  assert.equal(again.metadata.resourceVersion, made.metadata.resourceVersion)
  await assert.rejects(
    client.patch(configMaps, key, { type: 'apply', body: body({ a: '9' }) }, { fieldManager: 'two' }),
    (e) => e instanceof StatusError && e.message === 'Apply failed with 1 conflict: conflict with "one": .data.a',
  )
  const less = await client.patch(configMaps, key, { type: 'apply', body: body({ a: '1' }) }, { fieldManager: 'one' })
  assert.deepEqual(less.data, { a: '1' })
})

test('a namespace that ends takes nothing new and goes when it is finalized', async () => {
  await using cluster = await startCluster()
  const { client } = cluster
  await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'ns' } } as never)
  await client.delete(namespaces, { name: 'ns' })
  const going = await client.get(namespaces, { name: 'ns' })
  assert.equal(going.status?.phase, 'Terminating')
  await assert.rejects(
    client.create(configMaps, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'a', namespace: 'ns' },
    } as never),
    (e) => isForbidden(e) && /because it is being terminated/.test(e.message),
  )
  await client.update(namespaces, { ...going, spec: {} } as never, { subresource: 'finalize' })
  assert.equal(await cluster.get(namespaces, { name: 'ns' }), undefined)
})

test('a patch of the status that leaves the status alone keeps it', async () => {
  await using cluster = await startCluster()
  const { client } = cluster
  const key = { name: 'default' }
  const patches: readonly Patch[] = [
    { type: 'merge', body: { metadata: { labels: { a: 'b' } } } },
    { type: 'strategic', body: { metadata: { labels: { c: 'd' } } } },
    { type: 'json', body: [{ op: 'add', path: '/metadata/labels/e', value: 'f' }] },
  ]
  for (const patch of patches) {
    const patched = await client.patch(namespaces, key, patch, { subresource: 'status' })
    assert.equal(patched.status?.phase, 'Active', patch.type)
  }
  assert.deepEqual(Object.keys((await client.get(namespaces, key)).metadata.labels ?? {}).sort(), [
    'a',
    'c',
    'e',
    'kubernetes.io/metadata.name',
  ])
})
