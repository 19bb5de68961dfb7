// Old versions of a kind read and write the same objects as the stored version.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { validatingWebhookConfigurations } from '../api/admissionregistration/validating-webhook-configuration.ts'
import { daemonSets } from '../api/apps/daemon-set.ts'
import { deployments } from '../api/apps/deployment.ts'
import { ingresses } from '../api/networking/ingress/ingress.ts'
import { VIEWS } from '../api/all.ts'
import type { ApiRequest, ApiResponse, WatchFrame } from '../client/door.ts'
import { listParts } from './pieces.ts'
import { ADMIN, startCluster, type TestCluster } from '../testing/cluster.ts'

const PATH = '/apis/extensions/v1beta1/namespaces/default/deployments'

const template = {
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'web', image: 'nginx' }] },
}

async function call(
  cluster: TestCluster,
  method: string,
  path: string,
  object?: object,
  headers: Record<string, string> = {},
): Promise<ApiResponse> {
  const mark = path.indexOf('?')
  const request: ApiRequest = {
    method,
    path: mark < 0 ? path : path.slice(0, mark),
    query: new URLSearchParams(mark < 0 ? '' : path.slice(mark)),
    headers: { 'content-type': 'application/json', ...headers },
    ...(object ? { body: Buffer.from(JSON.stringify(object)) } : {}),
    identity: ADMIN,
    signal: new AbortController().signal,
  }
  return await cluster.server.handle(request)
}

function bodyOf({ body }: ApiResponse): Record<string, never> {
  assert.ok(body.kind === 'object' || body.kind === 'bytes' || body.kind === 'list' || body.kind === 'pieces')
  const bytes =
    body.kind === 'list'
      ? Buffer.concat([...listParts(body.head, body.items, body.tail)])
      : body.kind === 'pieces'
        ? Buffer.concat(Array.from(body.pieces, (piece) => Buffer.from(piece)))
        : body.bytes
  return JSON.parse(bytes.toString()) as Record<string, never>
}

const old = (spec: object = {}): object => ({
  apiVersion: 'extensions/v1beta1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: { template, rollbackTo: { revision: 3 }, ...spec },
})

test('what is written in an old version is read in the new one, with the defaults of the old', async () => {
  await using cluster = await startCluster()
  const created = await call(cluster, 'POST', PATH, old())
  assert.equal(created.status, 201)
  assert.deepEqual(created.headers['warning'], [
    '299 - "extensions/v1beta1 Deployment is deprecated in v1.8+, unavailable in v1.16+; use apps/v1 Deployment"',
  ])
  const shown = bodyOf(created) as unknown as { apiVersion: string; spec: Record<string, unknown> }
  assert.equal(shown.apiVersion, 'extensions/v1beta1')
  assert.deepEqual(shown.spec['rollbackTo'], { revision: 3 })
  const stored = await cluster.client.get(deployments, { namespace: 'default', name: 'web' })
  assert.equal(stored.apiVersion, 'apps/v1')
  assert.deepEqual(stored.spec.selector, { matchLabels: { app: 'web' } })
  assert.deepEqual(stored.metadata.labels, { app: 'web' })
  assert.deepEqual(stored.spec.strategy?.rollingUpdate, { maxUnavailable: 1, maxSurge: 1 })
  assert.equal(stored.spec.revisionHistoryLimit, 2147483647)
  assert.equal(stored.metadata.annotations?.['deprecated.deployment.rollback.revision'], '3')
  assert.ok(!('rollbackTo' in stored.spec))
  assert.equal(stored.metadata.managedFields?.[0]?.apiVersion, 'extensions/v1beta1')
})

test('patches and replacements are worked out in the version of the client', async () => {
  await using cluster = await startCluster()
  await call(cluster, 'POST', PATH, old())
  const patched = await call(
    cluster,
    'PATCH',
    `${PATH}/web`,
    { spec: { rollbackTo: { revision: 5 }, paused: true } },
    { 'content-type': 'application/strategic-merge-patch+json' },
  )
  assert.equal(patched.status, 200)
  const key = { namespace: 'default', name: 'web' }
  const stored = await cluster.client.get(deployments, key)
  assert.equal(stored.metadata.annotations?.['deprecated.deployment.rollback.revision'], '5')
  assert.equal(stored.spec.paused, true)
  const removed = await call(cluster, 'PATCH', `${PATH}/web`, [{ op: 'remove', path: '/spec/rollbackTo' }], {
    'content-type': 'application/json-patch+json',
  })
  assert.equal(removed.status, 200)
  assert.equal((await cluster.client.get(deployments, key)).metadata.annotations, undefined)
  const same = bodyOf(await call(cluster, 'GET', `${PATH}/web`))
  const replaced = await call(cluster, 'PUT', `${PATH}/web`, same)
  assert.equal(replaced.status, 200)
  assert.deepEqual(bodyOf(replaced), same, 'a replacement by itself changes nothing')
})

test('lists and watches show the old version', async () => {
  await using cluster = await startCluster()
  await call(cluster, 'POST', PATH, old())
  const list = bodyOf(await call(cluster, 'GET', PATH)) as unknown as { apiVersion: string; items: { spec: object }[] }
  assert.equal(list.apiVersion, 'extensions/v1beta1')
  assert.ok('rollbackTo' in (list.items[0]?.spec ?? {}))
  const watch = await call(cluster, 'GET', `${PATH}?watch=1&resourceVersion=0`)
  assert.ok(watch.body.kind === 'watch')
  const [frame] = ((await watch.body.events[Symbol.asyncIterator]().next()) as { value: readonly WatchFrame[] }).value
  const event = JSON.parse(String(frame?.line)) as { type: string; object: { apiVersion: string; spec: object } }
  assert.equal(event.type, 'ADDED')
  assert.equal(event.object.apiVersion, 'extensions/v1beta1')
  assert.ok('rollbackTo' in event.object.spec)
})

test('discovery tells of every version, and of the stored one by its hash', async () => {
  await using cluster = await startCluster()
  for (const { resource } of VIEWS) {
    const group = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`
    const { resources } = bodyOf(await call(cluster, 'GET', group)) as unknown as { resources: { name: string }[] }
    assert.ok(resources.some(({ name }) => name === resource.plural))
  }
  const hashOf = async (group: string): Promise<string | undefined> =>
    (
      bodyOf(await call(cluster, 'GET', group)) as unknown as {
        resources: { name: string; storageVersionHash?: string }[]
      }
    ).resources.find(({ name }) => name === 'deployments')?.storageVersionHash
  assert.equal(await hashOf('/apis/extensions/v1beta1'), await hashOf('/apis/apps/v1'))
})

test("an apply owns what it says, and what the version fills in is nobody's", async () => {
  await using cluster = await startCluster()
  const path = '/apis/extensions/v1beta1/namespaces/default/ingresses'
  const applied = (...hosts: string[]): object => ({
    apiVersion: 'extensions/v1beta1',
    kind: 'Ingress',
    metadata: { name: 'web' },
    spec: {
      rules: hosts.map((host) => ({ host, http: { paths: [{ backend: { serviceName: 'web', servicePort: 80 } }] } })),
    },
  })
  const apply = (object: object): Promise<ApiResponse> =>
    call(cluster, 'PATCH', `${path}/web?fieldManager=me`, object, { 'content-type': 'application/apply-patch+yaml' })
  assert.equal((await apply(applied('a.example.com'))).status, 201)
  const answer = await apply(applied('a.example.com', 'b.example.com'))
  assert.equal(answer.status, 200)
  const { rules } = (bodyOf(answer) as unknown as { spec: { rules: unknown[] } }).spec
  const backend = { serviceName: 'web', servicePort: 80 }
  assert.deepEqual(rules[1], {
    host: 'b.example.com',
    http: { paths: [{ pathType: 'ImplementationSpecific', backend }] },
  })
  const { metadata } = await cluster.client.get(ingresses, { namespace: 'default', name: 'web' })
  assert.deepEqual(metadata.managedFields?.[0]?.fieldsV1, { 'f:spec': { 'f:rules': {} } })
  const again = await apply(applied('a.example.com', 'b.example.com'))
  assert.deepEqual(bodyOf(again), bodyOf(answer), 'an apply that changes nothing writes nothing')
  const set = {
    apiVersion: 'extensions/v1beta1',
    kind: 'DaemonSet',
    metadata: { name: 'web' },
    spec: { template },
  }
  const sets = '/apis/extensions/v1beta1/namespaces/default/daemonsets/web?fieldManager=me'
  const made = await call(cluster, 'PATCH', sets, set, { 'content-type': 'application/apply-patch+yaml' })
  assert.equal(made.status, 201)
  const stored = await cluster.client.get(daemonSets, { namespace: 'default', name: 'web' })
  assert.equal(stored.spec.updateStrategy?.type, 'OnDelete')
  const owned = stored.metadata.managedFields?.[0]?.fieldsV1 as { 'f:spec'?: object } | undefined
  assert.deepEqual(Object.keys(owned?.['f:spec'] ?? {}), ['f:template'])
})

test('what is wrong is told in the names of the version', async () => {
  await using cluster = await startCluster()
  const backend = { serviceName: 'Web', servicePort: 0 }
  const object = {
    metadata: { name: 'web' },
    spec: { backend, rules: [{ http: { paths: [{ path: '/', backend: { ...backend, servicePort: 70000 } }] } }] },
  }
  const answer = await call(cluster, 'POST', '/apis/networking.k8s.io/v1beta1/namespaces/default/ingresses', object)
  const { details } = bodyOf(answer) as unknown as { details: { causes: { field: string }[] } }
  assert.deepEqual(
    details.causes.map(({ field }) => field),
    [
      'spec.backend.serviceName',
      'spec.backend',
      'spec.rules[0].http.paths[0].backend.serviceName',
      'spec.rules[0].http.paths[0].backend.servicePort',
    ],
  )
})

test('rows are made of what is stored', async () => {
  await using cluster = await startCluster()
  const path = '/apis/extensions/v1beta1/namespaces/default/ingresses'
  const object = {
    apiVersion: 'extensions/v1beta1',
    kind: 'Ingress',
    metadata: { name: 'web' },
    spec: { backend: { serviceName: 'web', servicePort: 'http' }, tls: [{ secretName: 'web' }] },
  }
  await call(cluster, 'POST', path, object)
  const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io'
  const table = bodyOf(await call(cluster, 'GET', path, undefined, { accept })) as unknown as {
    rows: { cells: unknown[]; object: { apiVersion: string } }[]
  }
  assert.deepEqual(table.rows[0]?.cells.slice(0, 5), ['web', '<none>', '*', '', '80, 443'])
})

const event = (name: string, fields: object = {}): object => ({
  metadata: { name },
  regarding: { kind: 'Pod', name, namespace: 'default' },
  reason: 'Started',
  action: 'Start',
  type: 'Normal',
  reportingController: 'example.com/runner',
  reportingInstance: 'runner-0',
  eventTime: '2030-01-01T12:00:00.000000Z',
  ...fields,
})

test('events of the group of events are events of the core group', async () => {
  await using cluster = await startCluster()
  const path = '/apis/events.k8s.io/v1/namespaces/default/events'
  for (const name of ['a', 'b']) {
    assert.equal((await call(cluster, 'POST', path, event(name, { note: `It is ${name}.` }))).status, 201)
  }
  const namesOf = async (at: string): Promise<string[]> => {
    const { items } = bodyOf(await call(cluster, 'GET', at)) as unknown as { items: { metadata: { name: string } }[] }
    return items.map(({ metadata }) => metadata.name)
  }
  assert.deepEqual(await namesOf(`${path}?fieldSelector=regarding.name=b`), ['b'])
  assert.deepEqual(await namesOf('/api/v1/namespaces/default/events?fieldSelector=involvedObject.name=a'), ['a'])
  const wrong = await call(cluster, 'GET', `${path}?fieldSelector=involvedObject.name=a`)
  assert.equal(bodyOf(wrong)['message'], 'field label not supported: involvedObject.name')
  const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io'
  const table = bodyOf(await call(cluster, 'GET', path, undefined, { accept })) as unknown as {
    rows: { cells: unknown[] }[]
  }
  assert.deepEqual(
    table.rows.map(({ cells }) => cells.slice(1, 4)),
    [
      ['Normal', 'Started', 'pod/a'],
      ['Normal', 'Started', 'pod/b'],
    ],
  )
})

test('the group of events asks for more than the core group', async () => {
  await using cluster = await startCluster()
  const causesOf = async (version: string, object: object, method = 'POST', name = ''): Promise<string[]> => {
    const path = `/apis/events.k8s.io/${version}/namespaces/default/events${name}`
    const body = bodyOf(await call(cluster, method, path, object)) as unknown as {
      details?: { causes?: { field: string; message: string }[] }
    }
    return (body.details?.causes ?? []).map(({ field, message }) => `${field}: ${message}`)
  }
  const old = event('old', { eventTime: null, deprecatedCount: 3, series: { count: 1, lastObservedTime: null } })
  assert.deepEqual(await causesOf('v1beta1', old), [])
  assert.deepEqual(await causesOf('v1', { ...old, metadata: { name: 'new' } }), [
    'series.count: Invalid value: "": should be at least 2',
    'series.lastObservedTime: Required value',
    'eventTime: Required value',
    'count: Invalid value: "": needs to be unset',
  ])
  assert.deepEqual(await causesOf('v1', event('b', { reportingController: '', type: 'Odd' })), [
    'reportingController: Required value',
    'reportingController: Invalid value: "": name part must be non-empty',
    "reportingController: Invalid value: \"\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
    'type: Invalid value: "": has invalid value: Odd',
  ])
  assert.deepEqual(await causesOf('v1', event('c')), [])
  assert.deepEqual(await causesOf('v1', event('c', { reason: 'Stopped' }), 'PUT', '/c'), [
    'reason: Invalid value: "Stopped": field is immutable',
    'reason: Invalid value: "Stopped": field is immutable',
  ])
})

test('webhooks of the beta may have side effects, and keep them whatever version changes them', async () => {
  await using cluster = await startCluster()
  const webhooks = [{ name: 'a.example.com', clientConfig: { url: 'https://a.example.com/x' } }]
  const path = '/apis/admissionregistration.k8s.io/v1beta1/validatingwebhookconfigurations'
  assert.equal((await call(cluster, 'POST', path, { metadata: { name: 'a' }, webhooks })).status, 201)
  const stored = await cluster.client.get(validatingWebhookConfigurations, { name: 'a' })
  const [hook] = stored.webhooks ?? []
  assert.equal(hook?.sideEffects, 'Unknown')
  assert.deepEqual(
    [hook?.failurePolicy, hook?.matchPolicy, hook?.timeoutSeconds, hook?.admissionReviewVersions],
    ['Ignore', 'Exact', 30, ['v1beta1']],
  )
  const patch = [{ op: 'replace', path: '/webhooks/0/timeoutSeconds', value: 5 }]
  const type = { 'content-type': 'application/json-patch+json' }
  assert.equal((await call(cluster, 'PATCH', `${path.replace('v1beta1', 'v1')}/a`, patch, type)).status, 200)
  const odd = { metadata: { name: 'b' }, webhooks: [{ ...webhooks[0], sideEffects: 'Odd' }] }
  assert.equal((await call(cluster, 'POST', path, odd)).status, 422)
})

test('a definition from before pruning keeps what its schema does not know', async () => {
  await using cluster = await startCluster()
  const path = '/apis/apiextensions.k8s.io/v1beta1/customresourcedefinitions'
  const definition = (plural: string, fields: object): object => ({
    metadata: { name: `${plural}.example.com` },
    spec: { group: 'example.com', version: 'v1', names: { plural, kind: plural }, ...fields },
  })
  const validation = { openAPIV3Schema: { properties: { spec: { properties: { size: { minimum: 1 } } } } } }
  assert.equal((await call(cluster, 'POST', path, definition('bare', {}))).status, 201)
  assert.equal((await call(cluster, 'POST', path, definition('sized', { validation }))).status, 201)
  const shown = bodyOf(await call(cluster, 'GET', `${path}/sized.example.com`)) as unknown as { spec: object }
  const { spec } = shown as { spec: Record<string, unknown> }
  assert.deepEqual(
    [spec['version'], spec['validation'], spec['preserveUnknownFields'], spec['scope']],
    ['v1', validation, true, 'Namespaced'],
  )
  await cluster.advance('1s')
  const object = { metadata: { name: 'a' }, spec: { size: 1, other: { deep: [1] } }, more: true }
  for (const plural of ['bare', 'sized']) {
    const made = await call(cluster, 'POST', `/apis/example.com/v1/namespaces/default/${plural}`, object)
    assert.equal(made.status, 201, plural)
    assert.deepEqual(bodyOf(made)['spec'], object.spec)
    assert.equal(bodyOf(made)['more'], true)
  }
  const small = { ...object, metadata: { name: 'b' }, spec: { size: 0 } }
  const refused = await call(cluster, 'POST', '/apis/example.com/v1/namespaces/default/sized', small)
  assert.equal(refused.status, 422)
  const versions = [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }]
  const fresh = definition('fresh', { version: undefined, scope: 'Cluster', preserveUnknownFields: true, versions })
  const answer = await call(cluster, 'POST', path.replace('v1beta1', 'v1'), fresh)
  assert.equal(answer.status, 422)
  assert.match(String(bodyOf(answer)['message']), /preserveUnknownFields: Invalid value: true: cannot set to true/)
})
